"""One tenant's resources during one request: each change and what it says are stored in one transaction.

The protocol (validation, PATCH, filters' meaning, ETags) is scim2-server's. Writers of one tenant take turns, so
versions grow in the order in which requests were carried out.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scim2_models import (
    Group,
    InvalidValueException,
    NotFoundException,
    PreconditionFailedException,
    Resource,
    UniquenessException,
)
from scim2_server.storage import ScimStorage
from unkey_sync_connectors.event import Kind
from unkey_sync_connectors.scim.statements import dump_statement, say_gone, say_left, say_user

from unkey_sync.intake import Intake
from unkey_sync.ledger.scim_rows import GROUP, USER, ResourceRow
from unkey_sync.scim.changes import compute_end_of_group
from unkey_sync.scim.groups import move_members, say_change, show, users_of, wanted_of
from unkey_sync.scim.members import MemberChange
from unkey_sync.scim.search import search_rows, shows_members
from unkey_sync.scim.vault import etag, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scim2_models import ResourceType, ResponseParameters, ScimProvider, SearchRequest
    from scim2_server.storage import SearchPage
    from unkey_sync_connectors.event import Event

    from unkey_sync.clock import Clock
    from unkey_sync.inbox import Inbox
    from unkey_sync.ledger.store import Ledger, Tx
    from unkey_sync.scim.bulk import Promise
    from unkey_sync.scim.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """What every tenant's storage works with."""

    ledger: Ledger
    inbox: Inbox
    vault: Vault
    clock: Clock
    provider: ScimProvider


class TenantStorage(ScimStorage):
    """Belongs to one request. `writes`: take the tenant's turn before anything is read."""

    def __init__(self, source: str, backing: Backing, *, writes: bool) -> None:
        self._source = source
        self._backing = backing
        self._vault = backing.vault
        self._writes = writes
        self._open: Tx | None = None
        self.promised: Mapping[str, Promise] = {}
        """In a Bulk: what is referred to before it exists, by bulkId."""
        self.next_id: str | None = None
        """The promised id of what is created next."""

    @contextmanager
    def operation(self) -> Iterator[None]:
        """One transaction, committed before the answer is made; within `together`, a part that can fail alone."""
        if self._open is None:
            with self.together():
                yield
        else:
            with self._open.scim.attempt():
                yield

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for all operations within. Raises Retry, Park, Raced."""
        with self._backing.ledger.transaction() as tx:
            if self._writes:
                tx.scim.lock(self._source)
            self._open = tx
            try:
                yield
            finally:
                self._open = None

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        row = self._row(str(resource_type.name), resource_id)
        return self.read(row) if shows_members(response_parameters) else self.opened(row)

    def glance(self, resource_type: ResourceType, resource_id: str) -> Resource[Any]:
        """The resource without members; what it costs does not depend on their number."""
        return self.opened(self._row(str(resource_type.name), resource_id))

    def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,
    ) -> SearchPage:
        return search_rows(self, resource_types, search_request)

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        kind, now = str(resource_type.name), self._backing.clock.now()
        name, external = self._vault.hashes(self._source, kind, resource)
        row = ResourceRow(
            source=self._source,
            kind=kind,
            id=self.next_id or uuid.uuid4().hex,
            version=now,
            created_at=now,
            name_hash=name,
            external_hash=external,
            sealed=b"",
        )
        return self._save(row, resource, None)

    def update(
        self,
        resource_type: ResourceType,
        resource: Resource[Any],
        *,
        expected_version: str | None = None,
    ) -> Resource[Any]:
        before = self._row(str(resource_type.name), resource.id or "")
        _check_version(before, expected_version)
        return self._save(self._renewed(before, resource), resource, before)

    def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        row = self._row(str(resource_type.name), resource_id)
        _check_version(row, expected_version)
        self._leave_groups(row)
        version = self._next(row)
        if row.kind == GROUP:
            members = self.tx.scim.members(self._source, row.id)
            self.tx.scim.drop_members(members)
            self._tell(compute_end_of_group(self._source, row.id, version, users_of(members)))
        else:
            self._tell([say_gone(self._source, Kind.USER, row.id, version)])
        self.tx.scim.delete(row)

    @property
    def tx(self) -> Tx:
        """The transaction of the operation under way."""
        assert self._open is not None  # noqa: S101  -- scim2-server calls within `operation` only
        return self._open

    @property
    def source(self) -> str:
        return self._source

    @property
    def vault(self) -> Vault:
        return self._vault

    def change_group(self, group: Resource[Any], change: MemberChange, *, renewed: bool) -> Resource[Any]:
        """Move members of a group that was glanced at. `renewed`: its other attributes have changed, too."""
        before = self._row(GROUP, group.id or "")
        row = self._renewed(before, group)
        moved = move_members(self.tx.scim, self._vault, row, change, self.promised.values())
        if not (renewed or moved):
            return self.opened(before)
        kept = self._store(row, group) if renewed else replace(before, version=row.version)
        self.tx.scim.touch(kept, kept.version)
        old, new = name_of(GROUP, self.opened(before)), name_of(GROUP, group)
        self._tell(say_change(self.tx.scim, kept, old, new, moved))
        return self.opened(kept)

    def read(self, row: ResourceRow) -> Resource[Any]:
        """The whole resource."""
        resource = self.opened(row)
        if isinstance(resource, Group):
            resource.__dict__["members"] = show(self._vault, self.tx.scim.members(self._source, row.id))
        return resource

    def opened(self, row: ResourceRow) -> Resource[Any]:
        """The resource without members."""
        model = self._backing.provider.model_for(row.kind)
        assert model is not None and issubclass(model, Resource)  # noqa: S101, PT018  -- we announce both kinds
        return self._vault.open(row, model)

    def _renewed(self, before: ResourceRow, resource: Resource[Any]) -> ResourceRow:
        """The row of the next version, yet without a body."""
        name, external = self._vault.hashes(self._source, before.kind, resource)
        return replace(before, version=self._next(before), name_hash=name, external_hash=external)

    def _save(self, row: ResourceRow, resource: Resource[Any], before: ResourceRow | None) -> Resource[Any]:
        kept = self._store(row, resource, new=before is None)
        if row.kind == USER:
            active = getattr(resource, "active", None) is not False
            self._tell([say_user(self._source, row.id, row.version, active=active)])
        else:
            old = None if before is None else name_of(GROUP, self.opened(before))
            change = MemberChange(joined=wanted_of(resource), whole=True)
            moved = move_members(self.tx.scim, self._vault, row, change, self.promised.values())
            self._tell(say_change(self.tx.scim, row, old, name_of(GROUP, resource), moved))
        return self.read(kept)

    def _store(self, row: ResourceRow, resource: Resource[Any], *, new: bool = False) -> ResourceRow:
        if not name_of(row.kind, resource).strip():
            raise InvalidValueException(detail="A user needs a userName, a group a displayName")
        self._check_unique(row, new=new)
        kept = replace(row, sealed=self._vault.seal(resource, row))
        self.tx.scim.save(kept, self._vault.hashes_of_emails(self._source, resource))
        return kept

    def _leave_groups(self, row: ResourceRow) -> None:
        """Nobody stays in a group after the end."""
        for membership in self.tx.scim.memberships(self._source, row.id):
            group = self._row(GROUP, membership.group_id)
            version = self._next(group)
            self.tx.scim.touch(group, version)
            self.tx.scim.drop_members([membership])
            if row.kind == USER:
                self._tell([say_left(self._source, group.id, row.id, version)])

    def _check_unique(self, row: ResourceRow, *, new: bool) -> None:
        """A userName is taken once. So is a new group's name with its externalId: it is a repeated request."""
        same = self.tx.scim.find(self._source, row.kind, name=row.name_hash)
        if row.kind == USER:
            taken = any(one.id != row.id for one in same)
        else:
            taken = new and any(one.external_hash == row.external_hash for one in same)
        if taken:
            raise UniquenessException

    def _row(self, kind: str, resource_id: str) -> ResourceRow:
        row = self.tx.scim.get(self._source, kind, resource_id)
        if row is None:
            raise NotFoundException(detail=f"No such {kind}")
        return row

    def _next(self, row: ResourceRow) -> int:
        return max(self._backing.clock.now(), row.version + 1)

    def _tell(self, said: Iterable[Event]) -> None:
        intakes = [Intake(self._source, (event,), dump_statement(event)) for event in said]
        if intakes:
            self._backing.inbox.accept_within(self.tx, intakes)


def _check_version(row: ResourceRow, expected: str | None) -> None:
    if expected is not None and etag(row) != expected:
        raise PreconditionFailedException
