"""Record a group of results in one transaction, each only if its lease still holds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from unkey_sync.engine.outcome import Patience, Verdict, judge
from unkey_sync.engine.work import Result
from unkey_sync.errors import Park
from unkey_sync.ledger.fact_rows import Raced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync.clock import Clock
    from unkey_sync.inbox import Inbox
    from unkey_sync.ledger.store import Ledger, Tx

_RACES = 8


class Committer:
    """Turns results into rows. `jitter` yields numbers in [0, 1)."""

    def __init__(
        self, ledger: Ledger, inbox: Inbox, clock: Clock, patience: Patience, jitter: Callable[[], float]
    ) -> None:
        self._ledger = ledger
        self._inbox = inbox
        self._clock = clock
        self._patience = patience
        self._jitter = jitter

    def commit(self, results: Sequence[Result]) -> int:
        """Record; returns how many leases had been lost (their results are dropped).

        A result that the database cannot hold parks its subject and spoils nobody else's.
        """
        try:
            return self._commit(results)
        except Park as refusal:
            if len(results) > 1:
                return sum(self.commit([one]) for one in results)
            return self._commit([Result(work=results[0].work, error=refusal, uncertain=True)])

    def _commit(self, results: Sequence[Result]) -> int:
        now = self._clock.now()
        judged = [(one, judge(one, self._patience, now, self._jitter())) for one in results]
        for _ in range(_RACES):
            try:
                with self._ledger.transaction() as tx:
                    return self._write(tx, judged, now)
            except Raced:
                continue
        # Facts keep moving under us: what was read from sources is read again, the rest is recorded now.
        with self._ledger.transaction() as tx:
            return self._write(tx, judged, now, settle=False)

    def _write(
        self, tx: Tx, judged: Sequence[tuple[Result, Verdict]], now: int, *, settle: bool = True
    ) -> int:
        releases = [verdict.release for _, verdict in judged if verdict.release is not None]
        held = tx.subjects.release(releases)
        kept = [(result, verdict) for result, verdict in judged if result.work.subject in held]
        tx.identities.save([result.identity for result, _ in kept if result.identity is not None])
        tx.keys.add_handovers([row for result, _ in kept for row in result.handovers])
        tx.keys.make_ready([key_id for result, _ in kept for key_id in result.armed], now)
        tx.identities.record([row for result, _ in kept for row in result.operations])
        tx.identities.note_edits([row for result, _ in kept for row in result.edits])
        finished: dict[tuple[str, str | None], list[str]] = defaultdict(list)
        for _, verdict in kept:
            for event_id, state, reason in verdict.events:
                finished[state, reason].append(event_id)
        for (state, reason), event_ids in finished.items():
            tx.events.finish(event_ids, state, now, reason)
        if settle:
            self._inbox.settle(tx, [settled for result, _ in kept for settled in result.settled])
        return len(judged) - len(kept)
