"""Statements about events: insert once, attach, finish, park, replay."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from unkey_sync.ledger import dialect
from unkey_sync.ledger.tables import event_bodies, events

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PENDING = "pending"
WAITING = "waiting"
APPLIED = "applied"
IGNORED = "ignored"
PARKED = "parked"
DISCARDED = "discarded"


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


class EventRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert_new(self, rows: Sequence[EventRow]) -> set[str]:
        """Insert what is not there yet; the ids of the rows that were new."""
        if not rows:
            return set()
        query = dialect.insert(self._connection, events).on_conflict_do_nothing().returning(events.c.id)
        return set(self._connection.scalars(query, [asdict(row) for row in rows]))

    def insert_bodies(self, sealed: dict[str, bytes]) -> None:
        if sealed:
            rows = [{"event_id": event_id, "sealed": body} for event_id, body in sealed.items()]
            self._connection.execute(sa.insert(event_bodies), rows)

    def body(self, event_id: str) -> bytes | None:
        query = sa.select(event_bodies.c.sealed).where(event_bodies.c.event_id == event_id)
        return self._connection.scalar(query)

    def get(self, event_id: str) -> dict[str, Any] | None:
        row = self._connection.execute(sa.select(events).where(events.c.id == event_id)).mappings().first()
        return dict(row) if row else None

    def open_of(self, subjects: Sequence[str]) -> dict[str, list[str]]:
        """Ids of the open events of each subject."""
        query = sa.select(events.c.subject, events.c.id).where(
            events.c.subject.in_(subjects), events.c.state.in_([PENDING, PARKED])
        )
        found: dict[str, list[str]] = {}
        for subject, event_id in self._connection.execute(query):
            found.setdefault(subject, []).append(event_id)
        return found

    def place(self, rows: Sequence[EventRow]) -> None:
        """Correct state, reason, subject and customer of rows inserted in this transaction."""
        for row in rows:
            self._connection.execute(
                sa.update(events)
                .where(events.c.id == row.id)
                .values(state=row.state, reason=row.reason, subject=row.subject, customer=row.customer)
            )

    def attach_waiting(self, source: str, customer: str, subject: str) -> None:
        """Events of a customer that was not linked go to its subject now."""
        self._connection.execute(
            sa.update(events)
            .where(events.c.source == source, events.c.customer == customer, events.c.state == WAITING)
            .values(state=PENDING, subject=subject)
        )

    def finish(self, event_ids: Iterable[str], state: str, now: int, reason: str | None = None) -> None:
        """Close open events. `state` is applied, parked, ignored or discarded."""
        ids = sorted(event_ids)
        for start in range(0, len(ids), 500):
            self._connection.execute(
                sa.update(events)
                .where(events.c.id.in_(ids[start : start + 500]))
                .values(state=state, reason=reason, finished_at=now)
            )

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
