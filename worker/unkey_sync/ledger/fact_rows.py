"""Statements about facts and links: load what a batch touches, save with a revision check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from unkey_sync_connectors.event import Entity, Kind

from unkey_sync.errors import Retry
from unkey_sync.ledger import dialect
from unkey_sync.ledger.codec import dump_register, load_register
from unkey_sync.ledger.tables import facts, links

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unkey_sync.facts import Register

FactKey = tuple[str, str, str]
"""(source, entity kind, entity id)"""
CustomerKey = tuple[str, str]
"""(source, customer id)"""


class Raced(Retry):
    """Another process changed the same facts meanwhile; the transaction is run again."""

    code = "raced"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """A fact with where it belongs. `rev` counts writes: a save succeeds only on top of what was read."""

    source: str
    entity: Entity
    register: Register
    subject: str | None = None
    member: str | None = None
    customer: str | None = None
    owner: Entity | None = None
    rev: int = 0

    @property
    def key(self) -> FactKey:
        return self.source, self.entity.kind.value, self.entity.id

    @property
    def customer_key(self) -> CustomerKey | None:
        return (self.source, self.customer) if self.customer is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    source: str
    customer: str
    subject: str | None
    rev: int = 0


class FactRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def load(self, keys: Sequence[FactKey], customers: Sequence[CustomerKey]) -> dict[FactKey, FactRow]:
        """The facts with these keys, and all facts of these customers."""
        if not keys:
            return {}
        wanted: sa.ColumnElement[bool] = sa.tuple_(
            facts.c.source, facts.c.entity_kind, facts.c.entity_id
        ).in_(keys)
        if customers:
            wanted = sa.or_(wanted, sa.tuple_(facts.c.source, facts.c.customer).in_(customers))
        return {row.key: row for row in self._rows(sa.select(facts).where(wanted))}

    def of_subjects(self, subjects: Sequence[str]) -> list[FactRow]:
        """Every fact that hangs on one of these subjects, as owner or as member."""
        query = (
            sa.select(facts)
            .where(facts.c.subject.in_(subjects))
            .union(sa.select(facts).where(facts.c.member.in_(subjects)))
        )
        return self._rows(query)

    def of_source(self, source: str, after: tuple[str, str], limit: int) -> list[FactRow]:
        """The next facts of a source after (kind, id), in that order."""
        place = sa.tuple_(facts.c.entity_kind, facts.c.entity_id)
        query = (
            sa.select(facts)
            .where(facts.c.source == source, place > sa.tuple_(*(sa.literal(part) for part in after)))
            .order_by(facts.c.entity_kind, facts.c.entity_id)
            .limit(limit)
        )
        return self._rows(query)

    def save(self, rows: Iterable[FactRow]) -> None:
        """Upsert on top of what was read. Raises Raced when somebody else was faster."""
        values = [_values(row) for row in sorted(rows, key=lambda row: row.key)]
        if not values:
            return
        query = dialect.insert(self._connection, facts)
        changed = {name: query.excluded[name] for name in _MUTABLE}
        upsert = query.on_conflict_do_update(
            index_elements=["source", "entity_kind", "entity_id"],
            set_=changed,
            where=facts.c.rev == query.excluded.rev - 1,
        ).returning(facts.c.entity_id)
        if len(self._connection.scalars(upsert, values).all()) != len(values):
            raise Raced

    def load_links(self, customers: Sequence[CustomerKey]) -> dict[CustomerKey, LinkRow]:
        if not customers:
            return {}
        query = sa.select(links).where(sa.tuple_(links.c.source, links.c.customer).in_(customers))
        found = [LinkRow(**row) for row in self._connection.execute(query).mappings()]
        return {(row.source, row.customer): row for row in found}

    def save_links(self, rows: Iterable[LinkRow]) -> None:
        """Upsert with the same revision check. Raises Raced."""
        values = [
            {"source": row.source, "customer": row.customer, "subject": row.subject, "rev": row.rev + 1}
            for row in sorted(rows, key=lambda row: (row.source, row.customer))
        ]
        if not values:
            return
        query = dialect.insert(self._connection, links)
        upsert = query.on_conflict_do_update(
            index_elements=["source", "customer"],
            set_={"subject": query.excluded.subject, "rev": query.excluded.rev},
            where=links.c.rev == query.excluded.rev - 1,
        ).returning(links.c.customer)
        if len(self._connection.scalars(upsert, values).all()) != len(values):
            raise Raced

    def relink(self, customer: CustomerKey, subject: str | None) -> None:
        """Move all facts of a customer to a subject (None: to nobody, they wait)."""
        self._connection.execute(
            sa.update(facts)
            .where(facts.c.source == customer[0], facts.c.customer == customer[1])
            .values(subject=subject)
        )

    def _rows(self, query: Any) -> list[FactRow]:
        return [_row(row) for row in self._connection.execute(query).mappings()]


_MUTABLE = ("subject", "member", "customer", "owner_kind", "owner_id", "rev", "doubt", "register")


def _values(row: FactRow) -> dict[str, object]:
    return {
        "source": row.source,
        "entity_kind": row.entity.kind.value,
        "entity_id": row.entity.id,
        "subject": row.subject,
        "member": row.member,
        "customer": row.customer,
        "owner_kind": row.owner.kind.value if row.owner else None,
        "owner_id": row.owner.id if row.owner else None,
        "rev": row.rev + 1,
        "doubt": row.register.doubt,
        "register": dump_register(row.register),
    }


def _row(row: Any) -> FactRow:
    owner = Entity(Kind(row["owner_kind"]), row["owner_id"]) if row["owner_kind"] else None
    return FactRow(
        source=row["source"],
        entity=Entity(Kind(row["entity_kind"]), row["entity_id"]),
        register=load_register(row["register"]),
        subject=row["subject"],
        member=row["member"],
        customer=row["customer"],
        owner=owner,
        rev=row["rev"],
    )
