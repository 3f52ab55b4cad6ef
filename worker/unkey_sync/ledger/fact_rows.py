"""Statements about facts and links: load what a batch touches, save with a revision check."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from unkey_sync_connectors.event import Entity, Kind

from unkey_sync.errors import Retry
from unkey_sync.ledger import bulk
from unkey_sync.ledger.codec import dump_register, load_register
from unkey_sync.ledger.tables import facts, links

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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

    @property
    def owner_key(self) -> FactKey | None:
        return (self.source, self.owner.kind.value, self.owner.id) if self.owner is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    source: str
    customer: str
    subject: str | None
    rev: int = 0


_MUTABLE = [column for column in facts.c if not column.primary_key]
_LOAD = bulk.load(*facts.primary_key)
_LOAD_OF_CUSTOMERS = bulk.load(facts.c.source, facts.c.customer)
_LOAD_OF_SUBJECTS = bulk.load(facts.c.subject)
_LOAD_OF_MEMBERS = bulk.load(facts.c.member)
_LOAD_OF_DIRECTORIES = bulk.load(facts.c.source, facts.c.owner_id, where="found.owner_kind = 'directory'")
_LOCK_SHARED = sa.text("SELECT pg_advisory_xact_lock_shared(:number)")
_LOCK = sa.text("SELECT pg_advisory_xact_lock(:number)")
_LOAD_LINKS = bulk.load(*links.primary_key, lock=True)
_MOVE = bulk.update(facts, [facts.c.source, facts.c.customer], [facts.c.subject])
_SAVE = bulk.insert(
    facts,
    f"ON CONFLICT (source, entity_kind, entity_id) DO UPDATE SET {bulk.assignments(_MUTABLE)} "
    "WHERE facts.rev = excluded.rev - 1 RETURNING entity_id",
    [facts.c.entity_id],
)
_SAVE_LINKS = bulk.insert(
    links,
    "ON CONFLICT (source, customer) DO UPDATE SET subject = excluded.subject, rev = excluded.rev "
    "WHERE links.rev = excluded.rev - 1 RETURNING customer",
    [links.c.customer],
)


class FactRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def load(self, keys: Sequence[FactKey], customers: Sequence[CustomerKey]) -> dict[FactKey, FactRow]:
        """The facts with these keys, and all facts of these customers."""
        wanted = [{"source": one, "entity_kind": kind, "entity_id": name} for one, kind, name in keys]
        rows = self._rows(_LOAD, wanted)
        rows += self._rows(_LOAD_OF_CUSTOMERS, _named(customers))
        return {row.key: row for row in rows}

    def lock_directories(self, directories: Mapping[FactKey, bool]) -> None:
        """Directories that end (True) wait for whoever adds users to them, and the other way round.

        A row to lock may not be there yet. On SQLite whoever writes is alone.
        """
        if self._connection.dialect.name != "postgresql":
            return
        for key, ends in sorted(directories.items()):
            self._connection.execute(_LOCK if ends else _LOCK_SHARED, {"number": _number(key)})

    def of_directories(self, directories: Sequence[FactKey]) -> dict[FactKey, FactRow]:
        """What these directories own."""
        wanted = [{"source": source, "owner_id": name} for source, _, name in directories]
        return {row.key: row for row in self._rows(_LOAD_OF_DIRECTORIES, wanted)}

    def memberships(self, users: Sequence[FactKey]) -> dict[FactKey, FactRow]:
        """The memberships of these users."""
        # By member alone: with the source named, too, PostgreSQL may read all its facts for each member.
        rows = self._rows(_LOAD_OF_MEMBERS, [{"member": name} for _, _, name in users])
        sources = {source for source, _, _ in users}
        return {row.key: row for row in rows if row.source in sources}

    def of_subjects(self, subjects: Sequence[str]) -> list[FactRow]:
        """Every fact that hangs on one of these subjects, as owner or as member."""
        rows = self._rows(_LOAD_OF_SUBJECTS, [{"subject": one} for one in subjects])
        rows += self._rows(_LOAD_OF_MEMBERS, [{"member": one} for one in subjects])
        return list({row.key: row for row in rows}.values())

    def of_source(self, source: str, after: tuple[str, str], limit: int) -> list[FactRow]:
        """The next facts of a source after (kind, id), in that order."""
        place = sa.tuple_(facts.c.entity_kind, facts.c.entity_id)
        query = (
            sa.select(facts)
            .where(facts.c.source == source, place > sa.tuple_(*(sa.literal(part) for part in after)))
            .order_by(facts.c.entity_kind, facts.c.entity_id)
            .limit(limit)
        )
        return [_row(row) for row in self._connection.execute(query)]

    def save(self, rows: Iterable[FactRow]) -> None:
        """Upsert on top of what was read. Raises Raced when somebody else was faster."""
        values = [_values(row) for row in sorted(rows, key=lambda row: row.key)]
        if not values:
            return
        if len(_SAVE.run(self._connection, values).all()) != len(values):
            raise Raced

    def load_links(self, customers: Sequence[CustomerKey]) -> dict[CustomerKey, LinkRow]:
        """Links as they are, locked: two writers of one customer take turns. Only making one is raced for."""
        if not customers:
            return {}
        found = [LinkRow(**row) for row in _LOAD_LINKS.run(self._connection, _named(customers)).mappings()]
        return {(row.source, row.customer): row for row in found}

    def save_links(self, rows: Iterable[LinkRow]) -> None:
        """Upsert with the same revision check. Raises Raced."""
        ordered = sorted(rows, key=lambda row: (row.source, row.customer))
        values = [replace(row, rev=row.rev + 1) for row in ordered]
        if values and len(_SAVE_LINKS.run(self._connection, values).all()) != len(values):
            raise Raced

    def relink(self, rows: Sequence[LinkRow]) -> None:
        """Move all facts of customers to their subjects (None: to nobody, they wait)."""
        if rows:
            _MOVE.run(self._connection, rows)

    def _rows(self, query: bulk.Bulk, wanted: Sequence[object]) -> list[FactRow]:
        if not wanted:
            return []
        return [_row(row) for row in query.run(self._connection, wanted)]


def _named(customers: Sequence[CustomerKey]) -> list[dict[str, str]]:
    return [{"source": source, "customer": customer} for source, customer in customers]


def _number(key: FactKey) -> int:
    """What PostgreSQL's locks are named by; two keys with one number only wait for each other."""
    name = "\0".join(key).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)


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
    owner = Entity(Kind(row.owner_kind), row.owner_id) if row.owner_kind else None
    return FactRow(
        source=row.source,
        entity=Entity(Kind(row.entity_kind), row.entity_id),
        register=load_register(row.register),
        subject=row.subject,
        member=row.member,
        customer=row.customer,
        owner=owner,
        rev=row.rev,
    )
