"""Acceptance: deliveries become event rows, facts, links and due subjects, in one transaction.

`accept` takes what the receiver or a queue got; `observe` takes what a listing or feed of the source showed. Both
commit before they return; ringing the bell afterwards is the caller's business.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Event, EventOp

from unkey_sync import batch, directories
from unkey_sync.bodies import Bodies
from unkey_sync.errors import Retry
from unkey_sync.ids import new_id
from unkey_sync.intake import Intake, Receipt
from unkey_sync.ledger.event_rows import IGNORED, PARKED, EventRow
from unkey_sync.ledger.fact_rows import Raced
from unkey_sync.ledger.subject_rows import BACKFILL, LIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync_connectors.base import Page, Unusable

    from unkey_sync.clock import Clock
    from unkey_sync.engine.work import Settled
    from unkey_sync.ledger.store import Ledger, Tx
    from unkey_sync.seal import Sealer

_RACES = 8
"""How often a batch that met another writer is run again before the sender is asked to come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One event on its way in."""

    row: EventRow
    event: Event | None
    intake: int


class Inbox:
    """The one way in."""

    def __init__(self, ledger: Ledger, sealer: Sealer, clock: Clock, ownership: batch.Ownership) -> None:
        self._ledger = ledger
        self._sealer = sealer
        self._clock = clock
        self._ownership = ownership

    def accept(self, intakes: Sequence[Intake]) -> list[Receipt]:
        """Store deliveries in one transaction. Raises Retry (nothing stored), Park (a value cannot be stored)."""
        rows, bodies = self._prepare(intakes)
        fresh = self._commit(rows, bodies)
        stored = Counter(row.intake for row in rows if row.row.id in fresh)
        known = Counter(row.intake for row in rows if row.row.id not in fresh)
        return [Receipt(accepted=stored[number], duplicates=known[number]) for number in range(len(intakes))]

    def accept_within(self, tx: Tx, intakes: Sequence[Intake]) -> None:
        """Store deliveries inside the caller's transaction, which also stores what they speak of. Raises Raced."""
        self._store(tx, *self._prepare(intakes))

    def observe(self, source: str, page: Page, tx: Tx) -> int:
        """Store what a page of a listing or feed shows, inside the caller's transaction; how many were news.

        What is known already leaves no row: 100,000 unchanged objects cost 100,000 comparisons and nothing else.
        Raises Raced when another writer was faster; the caller runs its transaction again.
        """
        now = self._clock.now()
        said = [batch.Said(new_id("evt", now), event) for event in page.events if _speaks(event)]
        change = self._merge(tx, said)
        news = [one for one in said if one.event_id in change.news]
        tx.events.insert_new([change.put(_row(source, one.event_id, one.event, now)) for one in news])
        self._apply(tx, change, BACKFILL)
        return len(news)

    def settle(self, tx: Tx, settled: Sequence[Settled]) -> None:
        """Store objects that were read from their source to settle a doubt. Raises Raced."""
        if not settled:
            return
        said = [batch.Said(one.event_id, one.event, one.before) for one in settled]
        self._apply(tx, self._merge(tx, said), LIVE)

    def _commit(self, rows: Sequence[_Row], bodies: Bodies) -> set[str]:
        for _ in range(_RACES):
            try:
                return self._attempt(rows, bodies)
            except Raced:
                continue
        raise Retry("too many writers on the same facts")

    def _attempt(self, rows: Sequence[_Row], bodies: Bodies) -> set[str]:
        with self._ledger.transaction() as tx:
            return self._store(tx, rows, bodies)

    def _store(self, tx: Tx, rows: Sequence[_Row], bodies: Bodies) -> set[str]:
        change = self._change(tx, rows)
        fresh = tx.events.insert_new([change.put(row.row) for row in rows])
        if len(fresh) < len(rows):
            # What a duplicate says must not be merged: its body may differ from the one we have.
            rows = [row for row in rows if row.row.id in fresh]
            change = self._change(tx, rows)
            tx.events.place([change.put(row.row) for row in rows])
        tx.events.insert_bodies(bodies.of(fresh))
        self._apply(tx, change, LIVE)
        return fresh

    def _prepare(self, intakes: Sequence[Intake]) -> tuple[list[_Row], Bodies]:
        rows = [row for number, intake in enumerate(intakes) for row in self._rows(number, intake)]
        kept = {row.row.id: row.intake for row in rows if row.event is not None or row.row.state == PARKED}
        return rows, Bodies.seal(self._sealer, [intake.raw for intake in intakes], kept)

    def _change(self, tx: Tx, rows: Sequence[_Row]) -> batch.Change:
        return self._merge(tx, [batch.Said(row.row.id, row.event) for row in rows if row.event is not None])

    def _merge(self, tx: Tx, said: Sequence[batch.Said]) -> batch.Change:
        keys = batch.keys_of(said)
        customers = batch.customers_of(said)
        links = tx.facts.load_links(
            customers
        )  # first: facts that are newer than their link would go unnoticed
        events = [one.event for one in said]
        homes = directories.touched(events)
        tx.facts.lock_directories(homes)
        known = tx.facts.load(keys, customers)
        known |= tx.facts.of_directories([key for key, ends in homes.items() if ends])
        known |= tx.facts.memberships(directories.members(events, known, homes))
        return batch.compute_change(said, known, links, self._ownership)

    def _apply(self, tx: Tx, change: batch.Change, priority: int) -> None:
        tx.facts.save(change.facts)
        tx.facts.save_links(change.links)
        tx.facts.relink(change.relinked)
        tx.events.attach_waiting([link for link in change.relinked if link.subject is not None])
        tx.subjects.mark_due(dict.fromkeys(change.subjects, priority))

    def _rows(self, number: int, intake: Intake) -> list[_Row]:
        if intake.parked is not None:
            return [self._parked_row(number, intake, intake.parked)]
        now = self._clock.now()
        rows = ((_row(intake.source, new_id("evt", now), event, now), event) for event in intake.events)
        return [_Row(row=row, event=event if _speaks(event) else None, intake=number) for row, event in rows]

    def _parked_row(self, number: int, intake: Intake, unusable: Unusable) -> _Row:
        now = self._clock.now()
        row = EventRow(
            id=new_id("evt", now),
            source=intake.source,
            delivery_id=unusable.delivery_id or batch.body_digest(intake.source, intake.raw),
            entity_kind="",
            entity_id="",
            account="",
            type=unusable.event_type,
            op="unusable",
            version=0,
            occurred_at=now,
            received_at=now,
            state=PARKED,
            reason=unusable.reason,
        )
        return _Row(row=row, event=None, intake=number)


def _row(source: str, event_id: str, event: Event, now: int) -> EventRow:
    return EventRow(
        id=event_id,
        source=source,
        delivery_id=event.delivery_id,
        entity_kind=event.entity.kind.value if event.entity else "",
        entity_id=event.entity.id if event.entity else "",
        account=event.account,
        type=event.type,
        op=event.op.value,
        version=event.version,
        occurred_at=event.occurred_at,
        received_at=now,
        state=IGNORED,
    )


def _speaks(event: Event) -> bool:
    """True when it says something about an entity."""
    return event.op is not EventOp.IGNORE and event.entity is not None
