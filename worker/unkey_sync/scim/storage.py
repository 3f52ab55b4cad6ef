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
from unkey_sync.ledger.scim_rows import GROUP, USER, MemberRow, ResourceRow
from unkey_sync.scim.changes import GroupState, compute_end_of_group, compute_group_events
from unkey_sync.scim.search import search_rows
from unkey_sync.scim.vault import etag, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scim2_models import ResourceType, ResponseParameters, ScimProvider, SearchRequest
    from scim2_server.storage import SearchPage
    from unkey_sync_connectors.event import Event

    from unkey_sync.clock import Clock
    from unkey_sync.inbox import Inbox
    from unkey_sync.ledger.store import Ledger, Tx
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

    @contextmanager
    def operation(self) -> Iterator[None]:
        """One transaction; committed before the answer is made. Raises Retry, Park, Raced."""
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
        return self.read(self._row(str(resource_type.name), resource_id))

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
            id=uuid.uuid4().hex,
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
        name, external = self._vault.hashes(self._source, before.kind, resource)
        row = replace(before, version=self._next(before), name_hash=name, external_hash=external)
        return self._save(row, resource, before)

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
            self._tell(compute_end_of_group(self._source, row.id, version, _users(members)))
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

    def read(self, row: ResourceRow) -> Resource[Any]:
        """The whole resource."""
        resource = self._opened(row)
        if isinstance(resource, Group):
            names = {one.value: one.display for one in resource.members or ()}
            members = self.tx.scim.members(self._source, row.id)
            resource.members = [_member(one, names.get(one.member_id)) for one in members] or None
        return resource

    def _opened(self, row: ResourceRow) -> Resource[Any]:
        model = self._backing.provider.model_for(row.kind)
        assert model is not None and issubclass(model, Resource)  # noqa: S101, PT018  -- we announce both kinds
        return self._vault.open(row, model)

    def _save(self, row: ResourceRow, resource: Resource[Any], before: ResourceRow | None) -> Resource[Any]:
        self._check_unique(row)
        sealed = replace(row, sealed=self._vault.seal(resource, row))
        said = (
            self._say_user(row, resource) if row.kind == USER else self._change_group(row, resource, before)
        )
        self.tx.scim.save(sealed)
        self._tell(said)
        return self.read(sealed)

    def _say_user(self, row: ResourceRow, user: Any) -> list[Event]:
        return [say_user(self._source, row.id, row.version, active=user.active is not False)]

    def _change_group(self, row: ResourceRow, group: Any, before: ResourceRow | None) -> list[Event]:
        had = self.tx.scim.members(self._source, row.id) if before is not None else []
        has = self._members(row.id, group, had)
        self.tx.scim.drop_members(set(had) - set(has))
        self.tx.scim.add_members(set(has) - set(had))
        known = None
        if before is not None:
            known = GroupState(name_of(GROUP, self._opened(before)), _users(had))
        after = GroupState(name_of(GROUP, group), _users(has))
        return compute_group_events(self._source, row.id, row.version, known, after)

    def _members(self, group_id: str, group: Any, had: Sequence[MemberRow]) -> list[MemberRow]:
        """Who is to be in the group. Raises InvalidValueException for what this tenant does not have."""
        known = {one.member_id: one.kind for one in had}
        wanted = {one.value for one in group.members or () if one.value}
        known |= self.tx.scim.kinds(self._source, sorted(wanted - known.keys()))
        if wanted - known.keys():
            raise InvalidValueException(detail="A member is no user or group of this tenant")
        return [MemberRow(self._source, group_id, one, known[one]) for one in sorted(wanted)]

    def _leave_groups(self, row: ResourceRow) -> None:
        """Nobody stays in a group after the end."""
        for membership in self.tx.scim.memberships(self._source, row.id):
            group = self._row(GROUP, membership.group_id)
            version = self._next(group)
            self.tx.scim.touch(group, version)
            self.tx.scim.drop_members([membership])
            if row.kind == USER:
                self._tell([say_left(self._source, group.id, row.id, version)])

    def _check_unique(self, row: ResourceRow) -> None:
        if row.kind != USER:
            return
        same = self.tx.scim.find(self._source, USER, name=row.name_hash)
        if any(one.id != row.id for one in same):
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


def _users(members: Iterable[MemberRow]) -> frozenset[str]:
    return frozenset(one.member_id for one in members if one.kind == USER)


def _member(row: MemberRow, display: str | None) -> Any:
    # scim2-server makes a URL of the relative reference.
    said = {"value": row.member_id, "$ref": f"{row.kind}s/{row.member_id}", "type": row.kind}
    return Group.Members.model_validate({**said, "display": display})
