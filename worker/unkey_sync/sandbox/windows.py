"""Sliding-window counters, as upstream's rate limiter: all of a batch count, or none does.

Source: upstream's limiter as read; counting, exceeding and recovery within one window were observed. The window
before counts in proportion to what is left of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


@dataclass(frozen=True, slots=True)
class Charge:
    """`cost` against `limit` per `duration` milliseconds, counted under `name`."""

    name: Hashable
    limit: int
    duration: int
    cost: int = 1

    @property
    def countable(self) -> bool:
        """The limiter itself refuses limits of 0 and windows below one second."""
        return self.limit > 0 and self.duration >= 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reset`: end of the current window, milliseconds since the epoch."""

    passed: bool
    remaining: int
    reset: int


class Windows:
    def __init__(self) -> None:
        self._counts: dict[tuple[Hashable, int], dict[int, int]] = {}

    def charge(self, charges: Sequence[Charge], now_ms: int) -> list[Verdict]:
        """Verdicts in the order of `charges`, every one of which must be countable."""
        left = [charge.limit - self._used(charge, now_ms) - charge.cost for charge in charges]
        passed = all(rest >= 0 for rest in left)
        if passed:
            for charge in charges:
                self._add(charge, now_ms)
        return [
            Verdict(rest >= 0, self._shown(charge, rest, passed), self._reset(charge, now_ms))
            for charge, rest in zip(charges, left, strict=True)
        ]

    @staticmethod
    def _shown(charge: Charge, rest: int, passed: bool) -> int:
        """What is left; a charge that fell with its batch was not taken."""
        return max(0, rest if passed or rest < 0 else rest + charge.cost)

    @staticmethod
    def _reset(charge: Charge, now_ms: int) -> int:
        return (now_ms // charge.duration + 1) * charge.duration

    def _used(self, charge: Charge, now_ms: int) -> int:
        counts = self._counts.get((charge.name, charge.duration), {})
        window, into = divmod(now_ms, charge.duration)
        return counts.get(window, 0) + int(counts.get(window - 1, 0) * (1 - into / charge.duration))

    def _add(self, charge: Charge, now_ms: int) -> None:
        window = now_ms // charge.duration
        bucket = (charge.name, charge.duration)
        old = self._counts.get(bucket, {})
        kept = {seen: count for seen, count in old.items() if seen >= window - 1}
        self._counts[bucket] = {**kept, window: kept.get(window, 0) + charge.cost}
