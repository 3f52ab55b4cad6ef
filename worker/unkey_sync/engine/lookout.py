"""Chooses whose state is read afresh from Unkey, so that what others changed there is seen in its time.

It only marks rows: the reading, the report and the repair are an ordinary turn, behind everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unkey_sync.clock import Clock
    from unkey_sync.ledger.store import Ledger

BATCH = 200
"""Subjects chosen at one time, once a minute: a first look at everybody becomes a trickle, not a flood."""


class Lookout:
    """`every`: how often each subject is looked at, microseconds; 0: never. Any number of processes may run it."""

    def __init__(self, ledger: Ledger, clock: Clock, every: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._every = every

    def run_once(self) -> int:
        """How many were chosen. Raises Retry when the database is away."""
        if not self._every:
            return 0
        now = self._clock.now()
        with self._ledger.transaction() as tx:
            return tx.subjects.mark_looks(now - self._every, now, BATCH)
