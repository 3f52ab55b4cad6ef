"""The bell: after a commit, ask a worker to look soon. It may be lost or doubled; the sweep asks again.

Ringing never blocks and never fails. One thread sends; rings that come while it sends are one ring.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from unkey_sync import celery_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock
    from unkey_sync.wiring import Runtime

COALESCE_S = 0.02
"""At most one message in this time, however many commits."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0


def bell_for(runtime: Runtime) -> Bell:
    """The bell of a process of its own. In-process brokers reach nobody else: the sweep alone is left then."""
    url = runtime.settings.broker.url.get_secret_value()
    if url.startswith("memory:"):
        return Bell(lambda: None, runtime.clock, ())
    app = celery_app.create_app(url)
    return Bell(celery_app.nudge(app), runtime.clock, celery_app.BROKER_FAILURES)


class Bell:
    """Calls `send` in a thread of its own. `send` raises OSError-like errors when the broker is away."""

    def __init__(self, send: Callable[[], None], clock: Clock, failures: tuple[type[Exception], ...]) -> None:
        self._send = send
        self._clock = clock
        self._failures = failures
        self._rung = threading.Event()
        self._closed = threading.Event()
        self._log = structlog.stdlib.get_logger("unkey_sync.bell")
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Ask for attention; returns at once."""
        self._rung.set()

    def close(self) -> None:
        self._closed.set()
        self._rung.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        pause_s = 0.0
        while not self._closed.is_set():
            self._rung.wait()
            if self._closed.is_set():
                return
            self._rung.clear()
            pause_s = self._try_send(pause_s)
            self._clock.wait(self._closed, pause_s or COALESCE_S)

    def _try_send(self, pause_s: float) -> float:
        try:
            self._send()
        except self._failures as error:
            if not pause_s:
                self._log.warning("broker_away", error=type(error).__name__)
            return min(max(pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        return 0.0
