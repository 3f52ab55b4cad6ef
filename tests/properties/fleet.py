"""Workers that lose answers and die: at any call, before or after it took effect, and before their commit.

A death takes the whole batch with it, as the end of a process does: nothing of it reaches the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from unkey_sync.clock import SECOND
from unkey_sync.engine.work import Result, Work, load_work

if TYPE_CHECKING:
    import random

    from tests.house import House

LEASE_S = 60.0
MARGIN_S = 5.0
ORPHANS_S = 700.0
"""Longer than a trace of a lost answer is left alone."""


class Died(BaseException):
    """The process is gone. No code of ours may catch it."""


@dataclass
class Odds:
    """Chances, each per call; `commit` per batch."""

    lost: float = 0.1
    before: float = 0.01
    after: float = 0.01
    commit: float = 0.05


@dataclass
class Fleet:
    """One worker at a time; the next one begins when the last one died or had nothing more to do."""

    house: House
    chance: random.Random
    odds: Odds
    batch: int = 16
    hits: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("lost", "before", "after", "commit"), 0)
    )
    lost: list[str] = field(default_factory=list)
    """Operations whose answers were lost."""

    def some(self, batches: int) -> None:
        """A little work under faults."""
        self._arm()
        for _ in range(batches):
            self._batch()
            self.house.clock.advance(1)

    def run(self) -> None:
        """Work under faults until nothing is due; then in peace, until the traces are swept."""
        self._arm()
        for _ in range(100_000):
            if not self._batch():
                if self.house.is_done():
                    break
                self.house.clock.advance(7)
        self.in_peace()

    def in_peace(self) -> None:
        self.house.transport.before = self.house.transport.after = lambda _: None
        self.house.clock.advance(LEASE_S + 1)
        self.house.settle()
        self.house.clock.advance(ORPHANS_S)
        self.house.settle()

    def _arm(self) -> None:
        self.house.transport.before, self.house.transport.after = self._before, self._after

    def _batch(self) -> int:
        works = claim(self.house, self.batch)
        try:
            results = [self.house.performer.run(work) for work in works]
            self._die("commit")
            self.house.committer.commit(results)
        except Died:
            pass
        return len(works)

    def _before(self, _operation: str) -> None:
        self._die("before")

    def _after(self, operation: str) -> None:
        self._die("after")
        if self.chance.random() < self.odds.lost:
            self.hits["lost"] += 1
            self.lost.append(operation)
            raise httpx.ReadError("the answer is lost")

    def _die(self, moment: str) -> None:
        if self.chance.random() < getattr(self.odds, moment):
            self.hits[moment] += 1
            raise Died


def claim(house: House, limit: int = 100, owner: str = "fleet") -> list[Work]:
    """Claimed and loaded as a drain does it."""
    now = house.clock.now()
    with house.ledger.transaction() as tx:
        claims = tx.subjects.claim(owner, now, now + int(LEASE_S * SECOND), limit)
    with house.ledger.transaction() as tx:
        return load_work(tx, claims, house.clock.monotonic() + LEASE_S - MARGIN_S)


def take(house: House, works: list[Work]) -> list[Result]:
    return [house.performer.run(work) for work in works]
