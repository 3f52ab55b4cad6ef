"""The canary: a message that a process sends itself through the broker. One that never comes back means a consumer
that is connected and deaf, which no error ever tells.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock

INTERVAL_S = 30.0
PATIENCE_S = 90.0
TICK_S = 5.0


class Canary:
    """`send` raises one of `failures` while the broker is away; being unable to send is not being deaf."""

    def __init__(self, send: Callable[[], None], clock: Clock, failures: tuple[type[Exception], ...]) -> None:
        self._send = send
        self._clock = clock
        self._failures = failures
        self._lock = threading.Lock()
        self._next = clock.monotonic()
        self._unanswered_since: float | None = None

    def watch(self, stop: threading.Event, on_deaf: Callable[[], None]) -> None:
        """Until `stop`. In a thread of its own: a broker that hangs may hold a sender for half a minute."""
        while not self._clock.wait(stop, TICK_S):
            self.tick()
            if self.is_deaf:
                on_deaf()
                return

    def tick(self) -> None:
        """Send one when it is time; called every now and then."""
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + INTERVAL_S
        try:
            self._send()
        except self._failures:
            return
        with self._lock:
            self._unanswered_since = now if self._unanswered_since is None else self._unanswered_since

    def heard(self) -> None:
        """It came back."""
        with self._lock:
            self._unanswered_since = None

    @property
    def is_deaf(self) -> bool:
        with self._lock:
            since = self._unanswered_since
        return since is not None and self._clock.monotonic() - since > PATIENCE_S
