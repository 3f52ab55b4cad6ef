"""How much of the workspace's rate limit we may use: the rest belongs to the customer's own traffic.

Unkey counts every authenticated call of a workspace, verifyKey included, in one sliding minute and says in
RateLimit-* headers what is left (no headers = no limit). Pure book-keeping; its owner locks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SAME_WINDOW_S = 1.5
"""RateLimit-Reset is in whole seconds, so one window's end is seen with this much blur."""


class Priority(StrEnum):
    LIVE = "live"
    SWEEP = "sweep"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Share of the limit (0 to 1) that calls of a priority leave untouched."""

    live: float = 0.10
    sweep: float = 0.20
    backfill: float = 0.30

    def share(self, priority: Priority) -> float:
        return {Priority.LIVE: self.live, Priority.SWEEP: self.sweep, Priority.BACKFILL: self.backfill}[
            priority
        ]


@dataclass(frozen=True, slots=True)
class Window:
    """What Unkey said last. `reset_s`: seconds from then until the window ends."""

    limit: int
    remaining: int
    reset_s: float


def read_window(headers: Mapping[str, str]) -> Window | None:
    """The RateLimit headers (lower-case names) of an answer, if it has all three and they are numbers."""
    names = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
    values = [headers.get(name, "") for name in names]
    if not all(value.isdecimal() and len(value) < 16 for value in values):
        return None
    limit, remaining, reset = (int(value) for value in values)
    return Window(limit, remaining, min(float(reset), 60.0))


class Budget:
    def __init__(self, reserve: Reserve) -> None:
        self._reserve = reserve
        self._limit: int | None = None
        self._remaining = 0
        self._reset_at = 0.0

    def observed(self, window: Window, now: float) -> None:
        """Believe the smaller number within one window: answers overtake each other."""
        reset_at = now + window.reset_s
        same = self._limit == window.limit and abs(reset_at - self._reset_at) < SAME_WINDOW_S
        self._remaining = min(self._remaining, window.remaining) if same else window.remaining
        self._limit = window.limit
        self._reset_at = reset_at

    def wait_s(self, priority: Priority, now: float) -> float:
        """Seconds until calls of this priority may go on; 0 when they may."""
        if self._limit is None or now >= self._reset_at:
            return 0.0
        spent = self._remaining <= self._limit * self._reserve.share(priority)
        return self._reset_at - now if spent else 0.0

    def spend(self) -> None:
        self._remaining -= 1

    def window(self, now: float) -> Window | None:
        if self._limit is None or now >= self._reset_at:
            return None
        return Window(self._limit, max(0, self._remaining), self._reset_at - now)
