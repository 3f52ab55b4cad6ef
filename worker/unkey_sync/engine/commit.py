"""Record a group of results in one transaction, each only if its lease still holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from unkey_sync.clock import SECOND
from unkey_sync.engine.outcome import Patience, Verdict, judge
from unkey_sync.engine.work import Result
from unkey_sync.errors import Park
from unkey_sync.ledger.event_rows import APPLIED, LISTED
from unkey_sync.ledger.fact_rows import Raced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.clock import Clock
    from unkey_sync.inbox import Inbox
    from unkey_sync.ledger.event_rows import Finished
    from unkey_sync.ledger.store import Ledger, Tx
    from unkey_sync.telemetry.metrics import EngineMetrics

_RACES = 8


class Committer:
    """Turns results into rows, and counts what has come to its end once that is on disk."""

    def __init__(
        self, ledger: Ledger, inbox: Inbox, clock: Clock, patience: Patience, metrics: EngineMetrics
    ) -> None:
        self._ledger = ledger
        self._inbox = inbox
        self._clock = clock
        self._patience = patience
        self._metrics = metrics

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
        judged = [(one, judge(one, self._patience, now, self._patience.jitter())) for one in results]
        for _ in range(_RACES):
            try:
                return self._record(judged, now)
            except Raced:
                continue
        # Facts keep moving under us: what was read from sources is read again, the rest is recorded now.
        return self._record(judged, now, settle=False)

    def _record(self, judged: Sequence[tuple[Result, Verdict]], now: int, *, settle: bool = True) -> int:
        finished: list[tuple[str, Finished]] = []
        with self._ledger.transaction() as tx:
            kept = self._write(tx, judged, now, finished)
            if settle:
                self._inbox.settle(tx, [settled for result in kept for settled in result.settled])
        self._count(finished, now)
        return len(judged) - len(kept)

    def _write(
        self,
        tx: Tx,
        judged: Sequence[tuple[Result, Verdict]],
        now: int,
        finished: list[tuple[str, Finished]],
    ) -> list[Result]:
        """The results whose lease still held. `finished` receives the events that ended, each with its state."""
        releases = [verdict.release for _, verdict in judged if verdict.release is not None]
        held = tx.subjects.release(releases)
        kept = [(result, verdict) for result, verdict in judged if result.work.subject in held]
        saved = [result.identity for result, _ in kept if result.identity is not None]
        tx.identities.save(saved)
        tx.keys.forget_secrets([row.subject for row in saved if row.observed.removed], now)
        tx.keys.add_handovers([row for result, _ in kept for row in result.handovers])
        tx.keys.make_ready([key_id for result, _ in kept for key_id in result.armed], now)
        tx.identities.record([row for result, _ in kept for row in result.operations])
        tx.identities.note_edits([row for result, _ in kept for row in result.edits])
        tx.identities.forget_values([row.subject for row in saved if row.observed.removed])
        ended: dict[tuple[str, str | None], list[str]] = defaultdict(list)
        for _, verdict in kept:
            for event_id, state, reason in verdict.events:
                ended[state, reason].append(event_id)
        for (state, reason), event_ids in ended.items():
            finished += [(state, one) for one in tx.events.finish(event_ids, state, now, reason)]
        return [result for result, _ in kept]

    def _count(self, finished: Sequence[tuple[str, Finished]], now: int) -> None:
        ended: Counter[tuple[str, str]] = Counter()
        lags: dict[str, list[float]] = defaultdict(list)
        for state, one in finished:
            ended[one.source, state] += 1
            # What a listing shows may be years old and says nothing of how fast news travel.
            if state == APPLIED and not one.delivery_id.startswith(LISTED):
                lags[one.source].append((now - one.occurred_at) / SECOND)
        for (source, state), count in ended.items():
            self._metrics.finished(source, state, count)
        for source, seconds in lags.items():
            self._metrics.lag(source, *seconds)
