"""Drain: claim batches of due subjects, stream them through lanes, commit whatever has finished, repeat.

The draining thread is the only one that touches the database; lanes make HTTP calls. Claims are committed before
any call is made, so no lock is ever held across the network.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from unkey_sync.clock import SECOND
from unkey_sync.engine.work import Result, Work, load_identities, load_inputs
from unkey_sync.errors import Park

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.clock import Clock
    from unkey_sync.engine.commit import Committer
    from unkey_sync.engine.perform import Performer
    from unkey_sync.ledger.store import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainConfig:
    """`owner`: name of this process in leases. `margin_s`: no call is begun so close to the end of a lease."""

    owner: str
    lanes: int = 64
    batch: int = 256
    lease_s: float = 60.0
    margin_s: float = 5.0
    budget_s: float = 30.0


_Finished = queue.SimpleQueue[Result]


class Drain:
    """Works on due subjects until none is left, the budget is spent, or somebody says stop."""

    def __init__(
        self, ledger: Ledger, performer: Performer, committer: Committer, clock: Clock, config: DrainConfig
    ) -> None:
        self._ledger = ledger
        self._performer = performer
        self._committer = committer
        self._clock = clock
        self._config = config
        self._waiting: queue.SimpleQueue[tuple[Work, _Finished] | None] = queue.SimpleQueue()
        self._finished: _Finished = queue.SimpleQueue()
        self._log = structlog.get_logger("unkey_sync.engine")
        self._lanes: list[threading.Thread] = []

    def run(self, stop: threading.Event) -> int:
        """Returns how many turns were taken. Raises Retry when the database is away."""
        # Turns that an earlier run left behind when the database went away report to that run's queue, to nobody.
        self._finished = queue.SimpleQueue()
        until = self._clock.monotonic() + self._config.budget_s
        under_way, turns, dry = 0, 0, False
        while True:
            more = not stop.is_set() and self._clock.monotonic() < until
            if more and under_way <= self._config.batch // 2 and not (dry and under_way):
                idle, works = self._claim(self._config.batch)
                dry = not idle and not works
                turns += len(idle) + len(works)
                under_way += self._begin(works)
                if idle:
                    self._committer.commit(idle)
            if under_way:
                under_way -= self._finish_some()
            elif dry or not more:
                return turns

    def close(self) -> None:
        for _ in self._lanes:
            self._waiting.put(None)
        for lane in self._lanes:
            lane.join()

    def _claim(self, limit: int) -> tuple[list[Result], list[Work]]:
        """Due subjects: the results of those that need no turn, and the work of the others."""
        now = self._clock.now()
        deadline = self._clock.monotonic() + self._config.lease_s - self._config.margin_s
        with self._ledger.transaction() as tx:
            lease_until = now + int(self._config.lease_s * SECOND)
            claims = tx.subjects.claim(self._config.owner, now, lease_until, limit)
        if not claims:
            return [], []
        with self._ledger.transaction() as tx:
            known = load_inputs(tx, claims, deadline)
            idle = [result for work in known if (result := self._performer.idle(work)) is not None]
            quiet = {result.work.subject for result in idle}
            return idle, load_identities(tx, [work for work in known if work.subject not in quiet])

    def _begin(self, works: Sequence[Work]) -> int:
        """Start turns. Returns how many are under way."""
        for work in works:
            self._waiting.put((work, self._finished))
        self._open_lanes(len(works))
        return len(works)

    def _open_lanes(self, wanted: int) -> None:
        # Plain threads on one queue: an executor's futures and locks cost as much as a statement.
        while len(self._lanes) < min(wanted, self._config.lanes):
            lane = threading.Thread(target=self._serve, name=f"lane-{len(self._lanes)}", daemon=True)
            self._lanes.append(lane)
            lane.start()

    def _serve(self) -> None:
        while (turn := self._waiting.get()) is not None:
            self._turn(*turn)

    def _turn(self, work: Work, finished: _Finished) -> None:
        try:
            finished.put(self._performer.run(work))
        except Exception as error:  # noqa: BLE001  -- the one place: a defect parks its subject and stops nobody
            self._log.exception("turn_failed", subject=work.subject)
            finished.put(Result(work=work, error=Park(f"defect: {type(error).__name__}"), uncertain=True))

    def _finish_some(self) -> int:
        """Commit whatever has finished, at least one; returns how many."""
        results = [self._finished.get()]
        while True:
            try:
                results.append(self._finished.get_nowait())
            except queue.Empty:
                break
        self._committer.commit(results)
        return len(results)
