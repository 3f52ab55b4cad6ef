"""Statements about events: insert once, attach, finish, park, replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from unkey_sync.bodies import target_of
from unkey_sync.ledger import bulk, dialect
from unkey_sync.ledger.tables import event_bodies, events

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unkey_sync.ledger.fact_rows import LinkRow

PENDING = "pending"
WAITING = "waiting"
APPLIED = "applied"
IGNORED = "ignored"
PARKED = "parked"
DISCARDED = "discarded"
LISTED = "list:"
"""How the delivery id of what we listed ourselves begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A row of `events`. `subject` is None until the event is linked; `customer` is what it waits for."""

    id: str
    source: str
    delivery_id: str
    entity_kind: str
    entity_id: str
    account: str
    type: str
    op: str
    version: int
    occurred_at: int
    received_at: int
    state: str
    reason: str | None = None
    subject: str | None = None
    customer: str | None = None
    finished_at: int | None = None


class Finished(NamedTuple):
    """An event that has come to its end."""

    source: str
    delivery_id: str
    occurred_at: int


_PLACE = (events.c.state, events.c.reason, events.c.subject, events.c.customer)
_END = (events.c.state, events.c.reason, events.c.finished_at)
_INSERT = bulk.insert(events, "ON CONFLICT DO NOTHING RETURNING id", [events.c.id])
_CORRECT = bulk.update(events, [events.c.id], _PLACE)
# What ends as it had ended before is left alone: a parked event is looked at again with every turn of its subject.
_FINISH = bulk.Bulk(
    f"UPDATE events SET {bulk.assignments(_END, 'said')} FROM {{said}} WHERE events.id = said.id "  # noqa: S608
    "AND (events.state <> said.state OR coalesce(events.reason, '') <> coalesce(said.reason, '')) "
    "RETURNING events.source, events.delivery_id, events.occurred_at",
    [events.c.id, *_END],
    [events.c.source, events.c.delivery_id, events.c.occurred_at],
)
# The states are literals here and below, or a prepared statement could not use the partial indexes.
_WAITING = bulk.for_each(events, [events.c.source, events.c.customer], "found.state = 'waiting'", lock=True)
_TO_SUBJECT = "UPDATE events SET state = 'pending', subject = said.subject FROM {said}"
_ATTACH = bulk.Bulk(
    f"{_TO_SUBJECT} CROSS JOIN {_WAITING} WHERE events.id = found.id",
    [events.c.source, events.c.customer, events.c.subject],
    sqlite=f"{_TO_SUBJECT} WHERE events.source = said.source AND events.customer = said.customer "
    "AND events.state = 'waiting'",
)
_OPEN = bulk.load(
    events.c.subject,
    gives=[events.c.subject, events.c.id],
    where="found.state IN ('pending', 'parked')",
)


class EventRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert_new(self, rows: Sequence[EventRow]) -> set[str]:
        """Insert what is not there yet; the ids of the rows that were new."""
        if not rows:
            return set()
        return set(_INSERT.run(self._connection, rows).scalars())

    def insert_bodies(self, sealed: dict[str, bytes]) -> None:
        if sealed:
            dialect.insert_bytes(self._connection, event_bodies, sealed)

    def body(self, event_id: str) -> tuple[str, bytes] | None:
        """What is kept of the event's delivery, and the id of the event for which it was sealed."""
        kept = self._kept(event_id)
        target = target_of(kept) if kept is not None else None
        if target is not None:
            event_id, kept = target, self._kept(target)
        return None if kept is None else (event_id, kept)

    def _kept(self, event_id: str) -> bytes | None:
        query = sa.select(event_bodies.c.sealed).where(event_bodies.c.event_id == event_id)
        return self._connection.scalar(query)

    def get(self, event_id: str) -> dict[str, Any] | None:
        row = self._connection.execute(sa.select(events).where(events.c.id == event_id)).mappings().first()
        return dict(row) if row else None

    def open_of(self, subjects: Sequence[str]) -> dict[str, list[str]]:
        """Ids of the open events of each subject."""
        found: dict[str, list[str]] = {}
        for row in _OPEN.run(self._connection, ({"subject": one} for one in subjects)):
            found.setdefault(row.subject, []).append(row.id)
        return found

    def place(self, rows: Sequence[EventRow]) -> None:
        """Correct state, reason, subject and customer of rows inserted in this transaction."""
        if rows:
            _CORRECT.run(self._connection, rows)

    def attach_waiting(self, links: Sequence[LinkRow]) -> None:
        """Events of customers that were not linked go to their subjects now."""
        if links:
            _ATTACH.run(self._connection, links)

    def finish(
        self, event_ids: Iterable[str], state: str, now: int, reason: str | None = None
    ) -> list[Finished]:
        """Close open events. `state` is applied, parked, ignored or discarded. Those for which it is news."""
        end = {"state": state, "reason": reason, "finished_at": now}
        rows = [{"id": event_id, **end} for event_id in sorted(event_ids)]
        if not rows:
            return []
        return [Finished._make(row) for row in _FINISH.run(self._connection, rows)]

    def page(self, *, state: str | None, source: str | None, limit: int) -> list[dict[str, Any]]:
        """Newest first."""
        query = sa.select(events).order_by(events.c.id.desc()).limit(limit)
        if state:
            query = query.where(events.c.state == state)
        if source:
            query = query.where(events.c.source == source)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def of_subject(self, subject: str, limit: int = 50) -> list[dict[str, Any]]:
        query = sa.select(events).where(events.c.subject == subject).order_by(events.c.id.desc()).limit(limit)
        return [dict(row) for row in self._connection.execute(query).mappings()]
