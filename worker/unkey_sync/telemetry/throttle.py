"""Equal warnings and errors are written a few times a minute; the rest is counted, not written."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from unkey_sync.clock import Clock

PER_MINUTE = 20
WINDOW_S = 60.0
MOST_CAUSES = 1000
"""Causes remembered at once; a flood of different messages must not grow without end."""
DIFFERENT = 40
"""Causes of one logger in a window that count apart; a library that writes details into its text has no two alike."""
_LEVELS = frozenset({"warning", "error", "critical"})


@dataclass(slots=True)
class _Window:
    until: float
    written: int = 0
    suppressed: int = 0


class Throttle:
    """A structlog processor. A cause is what happened, where, and with which error code; not the details."""

    def __init__(self, clock: Clock, per_minute: int = PER_MINUTE) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._windows: dict[tuple[Any, ...], _Window] = {}
        self._fresh: dict[Any, _Window] = {}
        self._lock = threading.Lock()

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Pass the line on, with `suppressed` if lines like it were left out. Raises `DropEvent`."""
        if event.get("level") not in _LEVELS:
            event.pop("cause", None)
            return event
        cause = (event.get("logger"), event.pop("cause", event.get("event")), event.get("error_code"))
        with self._lock:
            window, suppressed = self._window(self._told_apart(cause))
            if window.written >= self._per_minute:
                window.suppressed += 1
                raise structlog.DropEvent
            window.written += 1
        if suppressed:
            event["suppressed"] = suppressed
        return event

    def _told_apart(self, cause: tuple[Any, ...]) -> tuple[Any, ...]:
        """The cause, or all further causes of its logger as one when there are too many of them."""
        now, logger = self._clock.monotonic(), cause[0]
        window = self._windows.get(cause)
        if window is not None and now < window.until:
            return cause
        fresh = self._fresh.get(logger)
        if fresh is None or now >= fresh.until:
            if len(self._fresh) >= MOST_CAUSES:
                self._fresh.clear()
            fresh = self._fresh[logger] = _Window(now + WINDOW_S)
        if fresh.written >= DIFFERENT:
            return (logger,)
        fresh.written += 1
        return cause

    def _window(self, cause: tuple[Any, ...]) -> tuple[_Window, int]:
        now = self._clock.monotonic()
        window = self._windows.get(cause)
        if window is not None and now < window.until:
            return window, 0
        if len(self._windows) >= MOST_CAUSES:
            self._windows.clear()
        self._windows[cause] = fresh = _Window(now + WINDOW_S)
        return fresh, window.suppressed if window is not None else 0
