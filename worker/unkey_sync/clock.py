"""Time, as something that is handed in. The one place that reads the machine's clock or sleeps.

Instants are integers, microseconds since the epoch, UTC. They schedule work; they never order facts.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

SECOND = 1_000_000
DAY = 86_400 * SECOND


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; for deadlines and durations."""

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait until `stop` is set or the time is over; True if it was set."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        return stop.wait(seconds)


class FakeClock:
    """A clock that moves when told to. Waiting moves it, too: nothing in a test sleeps."""

    def __init__(self, now: int = 1_767_225_600 * SECOND) -> None:
        self._now = now
        self._lock = threading.Lock()

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._now / SECOND

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.advance(seconds)
        return stop.is_set()

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += int(seconds * SECOND)
