"""Statements about SCIM resources: the sealed resources of each tenant (a source of kind scim), and group members.

Names, external ids and e-mail addresses are found by keyed hash only; what they say is inside the sealed body.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from unkey_sync.ledger import bulk, dialect
from unkey_sync.ledger.tables import scim_emails, scim_members, scim_resources, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

USER = "User"
GROUP = "Group"
_INDEX_KEY = "scim_index_key"
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRow:
    """One resource. `version` grows with every change: the instant of it in microseconds, or one more than before."""

    source: str
    kind: str
    id: str
    version: int
    created_at: int
    name_hash: str
    external_hash: str | None
    sealed: bytes = field(repr=False)
    indexed_version: int = 0
    """The version whose e-mail addresses are in the index; older code does not know of it."""


@dataclass(frozen=True, slots=True, order=True)
class MemberRow:
    """A member of a group. `kind` is User or Group; `display` is sealed."""

    source: str
    group_id: str
    member_id: str
    kind: str
    display: str | None = field(default=None, repr=False, compare=False)


_SAVE_MEMBERS = bulk.insert(
    scim_members,
    "ON CONFLICT (source, group_id, member_id) DO UPDATE SET display = excluded.display",
)
# By id alone, here and in `get`: without statistics PostgreSQL would take any index that begins with the tenant.
_KINDS = bulk.Bulk(
    "SELECT found.id, found.source, found.kind FROM {said} JOIN scim_resources found ON found.id = said.id",
    [scim_resources.c.id],
    [scim_resources.c.id, scim_resources.c.source, scim_resources.c.kind],
)
_DROP = bulk.Bulk(
    "DELETE FROM scim_members WHERE (source, group_id, member_id) IN "
    "(SELECT said.source, said.group_id, said.member_id FROM {said})",
    [scim_members.c.source, scim_members.c.group_id, scim_members.c.member_id],
)


_SAVE_EMAILS = bulk.insert(scim_emails, "ON CONFLICT DO NOTHING")
_DROP_EMAILS = bulk.Bulk(
    "DELETE FROM scim_emails WHERE resource_id IN (SELECT said.resource_id FROM {said})",
    [scim_emails.c.resource_id],
)
_INDEXED = bulk.update(
    scim_resources, [scim_resources.c.id, scim_resources.c.version], [scim_resources.c.indexed_version]
)
_AMONG = bulk.Bulk(
    "SELECT found.source, found.group_id, found.member_id, found.kind, found.display FROM {said} "
    "JOIN scim_members found USING (source, group_id, member_id)",
    [scim_members.c.source, scim_members.c.group_id, scim_members.c.member_id],
    scim_members.c,
)


class ScimRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lock(self, source: str) -> None:
        """Until the transaction ends, nobody else writes resources of this tenant. (On SQLite, nobody at all.)"""
        if self._connection.dialect.name == "postgresql":
            query = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
            self._connection.execute(query, {"name": f"scim:{source}"})

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of the transaction that may fail without the rest. Raises Retry, Park."""
        with dialect.reactions(), self._connection.begin_nested():
            yield

    def index_key(self, proposal: str) -> str:
        """The sealed key of the hashes: the proposal of whoever came first."""
        add = dialect.insert(self._connection, settings).values(name=_INDEX_KEY, value=proposal)
        self._connection.execute(add.on_conflict_do_nothing())
        query = sa.select(settings.c.value).where(settings.c.name == _INDEX_KEY)
        return str(self._connection.execute(query).scalar_one())

    def get(self, source: str, kind: str, resource_id: str) -> ResourceRow | None:
        query = sa.select(scim_resources).where(scim_resources.c.id == resource_id)
        row = self._connection.execute(query).mappings().first()
        return ResourceRow(**row) if row and (row["source"], row["kind"]) == (source, kind) else None

    def find(
        self, source: str, kind: str, *, name: str | None = None, external: str | None = None
    ) -> list[ResourceRow]:
        """The resources with this hash of their name or external id, oldest first."""
        query = _all(source, kind)
        if name is not None:
            query = query.where(scim_resources.c.name_hash == name)
        if external is not None:
            query = query.where(scim_resources.c.external_hash == external)
        return [ResourceRow(**row) for row in self._connection.execute(query).mappings()]

    def find_by_email(self, source: str, hashed: str) -> list[ResourceRow]:
        """The indexed users with this hash of an address, by id."""
        ids = sa.select(scim_emails.c.resource_id).where(scim_emails.c.hash == hashed)
        query = _all(source, USER).where(scim_resources.c.id.in_(ids))
        return [ResourceRow(**row) for row in self._connection.execute(query).mappings()]

    def find_by_member(self, source: str, member_id: str) -> list[ResourceRow]:
        """The groups that somebody is directly in, by id."""
        ids = sa.select(scim_members.c.group_id).where(
            scim_members.c.source == source, scim_members.c.member_id == member_id
        )
        query = _all(source, GROUP).where(scim_resources.c.id.in_(ids))
        return [ResourceRow(**row) for row in self._connection.execute(query).mappings()]

    def stale(self, source: str, limit: int, after: str = "") -> list[ResourceRow]:
        """Users whose addresses are not in the index yet, by id."""
        query = _all(source, USER).where(
            sa.text("kind = 'User' AND indexed_version <> version"), scim_resources.c.id > after
        )
        return [ResourceRow(**row) for row in self._connection.execute(query.limit(limit)).mappings()]

    def index_emails(self, found: Mapping[str, Iterable[str]], rows: Iterable[ResourceRow]) -> None:
        """The hashes by user id, of these users."""
        self._replace_emails(found)
        said = [{"id": row.id, "version": row.version, "indexed_version": row.version} for row in rows]
        _INDEXED.run(self._connection, said)

    def count(self, source: str, kind: str) -> int:
        query = sa.select(sa.func.count()).select_from(_all(source, kind).order_by(None).subquery())
        return int(self._connection.scalar(query) or 0)

    def page(self, source: str, kind: str, offset: int, limit: int) -> list[ResourceRow]:
        query = _all(source, kind).offset(offset).limit(limit)
        return [ResourceRow(**row) for row in self._connection.execute(query).mappings()]

    def walk(self, source: str, kind: str) -> Iterator[ResourceRow]:
        """Every resource, in the order of `page`, some at a time."""
        after = ""
        while True:
            query = _all(source, kind).where(scim_resources.c.id > after).limit(_BATCH)
            rows = [ResourceRow(**row) for row in self._connection.execute(query).mappings()]
            yield from rows
            if len(rows) < _BATCH:
                return
            after = rows[-1].id

    def save(self, row: ResourceRow, emails: Iterable[str]) -> None:
        """Insert or replace it, with the hashes of its e-mail addresses."""
        query = dialect.insert(self._connection, scim_resources)
        names = ("version", "name_hash", "external_hash", "sealed", "indexed_version")
        change = {name: query.excluded[name] for name in names}
        self._connection.execute(
            query.on_conflict_do_update(index_elements=["id"], set_=change),
            [{**asdict(row), "indexed_version": row.version}],
        )
        if row.kind == USER:
            self._replace_emails({row.id: emails})

    def touch(self, row: ResourceRow, version: int) -> None:
        """A new version of a resource whose body stays as it is."""
        query = sa.update(scim_resources).where(scim_resources.c.id == row.id)
        self._connection.execute(query.values(version=version))

    def delete(self, row: ResourceRow) -> None:
        self._replace_emails({row.id: ()})
        self._connection.execute(sa.delete(scim_resources).where(scim_resources.c.id == row.id))

    def _replace_emails(self, found: Mapping[str, Iterable[str]]) -> None:
        _DROP_EMAILS.run(self._connection, [{"resource_id": one} for one in found])
        said = [{"resource_id": one, "hash": hashed} for one, hashes in found.items() for hashed in hashes]
        if said:
            _SAVE_EMAILS.run(self._connection, said)

    def members(self, source: str, group_id: str) -> list[MemberRow]:
        """The members of a group, by id."""
        query = sa.select(scim_members).where(
            scim_members.c.source == source, scim_members.c.group_id == group_id
        )
        return _members(self._connection.execute(query))

    def members_among(self, source: str, group_id: str, ids: Iterable[str]) -> list[MemberRow]:
        """Those of these ids that are in the group, in the order of the ids."""
        wanted = [{"source": source, "group_id": group_id, "member_id": one} for one in sorted(ids)]
        return _members(_AMONG.run(self._connection, wanted)) if wanted else []

    def memberships(self, source: str, member_id: str) -> list[MemberRow]:
        """The groups that somebody is directly in."""
        query = sa.select(scim_members).where(
            scim_members.c.source == source, scim_members.c.member_id == member_id
        )
        return _members(self._connection.execute(query))

    def save_members(self, rows: Iterable[MemberRow]) -> None:
        if found := sorted(rows):
            _SAVE_MEMBERS.run(self._connection, found)

    def drop_members(self, rows: Iterable[MemberRow]) -> None:
        if found := sorted(rows):
            _DROP.run(self._connection, found)

    def kinds(self, source: str, ids: Sequence[str]) -> dict[str, str]:
        """What each of these ids is; ids that this tenant does not have are missing."""
        if not ids:
            return {}
        found = _KINDS.run(self._connection, [{"id": one} for one in ids])
        return {row.id: row.kind for row in found if row.source == source}


def _members(found: Iterable[Sequence[Any]]) -> list[MemberRow]:
    return sorted((MemberRow(*row) for row in found), key=lambda one: (one.group_id, one.member_id))


def _all(source: str, kind: str) -> sa.Select[tuple[object, ...]]:
    found = sa.select(scim_resources).where(scim_resources.c.source == source, scim_resources.c.kind == kind)
    return found.order_by(scim_resources.c.id)
