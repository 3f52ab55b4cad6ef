"""Everything the sandbox stores, and transactions over it.

A transaction writes through at once and can undo; requests never interleave, so nobody sees it half done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from unkey_sync.sandbox import rows
from unkey_sync.sandbox.collation import fold
from unkey_sync.sandbox.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

R = TypeVar("R", bound=rows.Row)


class State:
    """The tables. Unique indexes are the database's constraints, groups are what listings walk."""

    def __init__(self) -> None:
        self.workspaces = Table("workspaces", rows.Workspace)
        self.root_keys = _root_keys()
        self.apis = Table("apis", rows.Api)
        self.identities = _identities()
        self.limits = _limits()
        self.keys = _keys()
        self.roles = _roles()
        self.permissions = _permissions()
        self.namespaces = _namespaces()
        self.overrides = _overrides()
        self.migrations = Table("migrations", rows.Migration)

    def tables(self) -> Iterator[Table[Any]]:
        return (value for value in vars(self).values() if isinstance(value, Table))

    def table(self, name: str) -> Table[Any]:
        found: Table[Any] = getattr(self, name)
        return found

    def apply(self, change: Change) -> None:
        """Repeat a change that was made elsewhere (on the replica: by the primary)."""
        table = self.table(change.table)
        if change.after is None:
            table.remove(change.row_id)
        else:
            table.put(change.after)

    def copy(self) -> State:
        twin = State()
        for mine, theirs in zip(self.tables(), twin.tables(), strict=True):
            for row in mine:
                theirs.put(row)
        return twin


@dataclass(frozen=True, slots=True)
class Change:
    table: str
    row_id: str
    before: rows.Row | None
    after: rows.Row | None

    def inverse(self) -> Change:
        return Change(self.table, self.row_id, self.after, self.before)


class Tx:
    """A transaction over one state. `changes` is what it has done so far, oldest first."""

    def __init__(self, state: State) -> None:
        self.changes: list[Change] = []
        self._state = state

    def put(self, table: Table[R], row: R) -> R:
        """Insert or replace. Raises `Duplicate`."""
        before = table.put(row)
        self.changes.append(Change(table.name, row.id, before, row))
        return row

    def delete(self, table: Table[R], row_id: str) -> None:
        before = table.remove(row_id)
        if before is not None:
            self.changes.append(Change(table.name, row_id, before, None))

    def rollback(self) -> None:
        while self.changes:
            self._state.apply(self.changes.pop().inverse())

    def take(self) -> list[Change]:
        """Hand the changes over for good; a rollback no longer touches them."""
        taken, self.changes = self.changes, []
        return taken


def _root_keys() -> Table[rows.RootKey]:
    return Table(
        "root_keys", rows.RootKey, unique={"hash": lambda row: row.hash, "name": lambda row: row.name}
    )


def _identities() -> Table[rows.Identity]:
    return Table(
        "identities",
        rows.Identity,
        unique={"external_id": lambda row: None if row.deleted else (row.workspace, row.external_id)},
        groups={
            "workspace": lambda row: None if row.deleted else row.workspace,
            "tombstones": lambda row: (row.workspace, row.external_id) if row.deleted else None,
        },
    )


def _limits() -> Table[rows.Limit]:
    return Table(
        "limits",
        rows.Limit,
        unique={"name": lambda row: (row.owner, row.name)},
        groups={"owner": lambda row: row.owner},
    )


def _keys() -> Table[rows.Key]:
    return Table(
        "keys",
        rows.Key,
        unique={"hash": lambda row: row.hash},
        groups={
            "keyspace": lambda row: None if row.deleted else row.keyspace,
            "identity": lambda row: None if row.deleted else row.identity,
        },
    )


def _roles() -> Table[rows.Role]:
    return Table(
        "roles",
        rows.Role,
        unique={"name": lambda row: (row.workspace, fold(row.name))},
        groups={"workspace": lambda row: row.workspace},
    )


def _permissions() -> Table[rows.Permission]:
    return Table(
        "permissions",
        rows.Permission,
        unique={"slug": lambda row: (row.workspace, fold(row.slug))},
        groups={"workspace": lambda row: row.workspace},
    )


def _namespaces() -> Table[rows.Namespace]:
    return Table("namespaces", rows.Namespace, unique={"name": lambda row: (row.workspace, row.name)})


def _overrides() -> Table[rows.Override]:
    return Table(
        "overrides",
        rows.Override,
        unique={"identifier": lambda row: (row.namespace, row.identifier)},
        groups={"namespace": lambda row: None if row.deleted else row.namespace},
    )
