"""Everybody is looked at again: when the policy is new, or when the clock was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from unkey_sync.clock import SECOND
from unkey_sync.ledger.subject_rows import SWEEP

if TYPE_CHECKING:
    from unkey_sync.clock import Clock
    from unkey_sync.ledger.store import Ledger

_PAGE = 5_000
_NAME: Final = "clock"
SLACK_US = 300 * SECOND
"""More than clocks of a deployment may differ, and less than any date in a policy is worth."""


def wake_everybody(ledger: Ledger) -> int:
    """Mark all subjects due, in pages, each a transaction of its own; how many."""
    count, after = 0, ""
    while True:
        with ledger.transaction() as tx:
            names = tx.subjects.mark_page_due(after, _PAGE, SWEEP)
        if not names:
            return count
        count, after = count + len(names), names[-1]


class Timekeeper:
    """Notices that a clock was set back, also over restarts.

    While it was ahead, dates came early: a grace ended, a paid period was over. Nothing else would look at those again.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._log = structlog.stdlib.get_logger("unkey_sync.worker")

    def run_once(self) -> int:
        """How many subjects are to be decided anew. Raises Retry when the database is away."""
        now = self._clock.now()
        with self._ledger.transaction() as tx:
            latest = int(tx.feeds.setting(_NAME) or 0)
            if now > latest:
                tx.feeds.set_setting(_NAME, str(now))
        if now >= latest - SLACK_US:
            return 0
        with self._ledger.transaction() as tx:
            tx.subjects.end_leases(now + SLACK_US, now)
        count = wake_everybody(self._ledger)
        with self._ledger.transaction() as tx:
            tx.feeds.set_setting(_NAME, str(now))
        self._log.error("clock_was_ahead", by_s=(latest - now) // SECOND, subjects=count)
        return count
