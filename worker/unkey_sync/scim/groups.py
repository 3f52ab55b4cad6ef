"""Members of groups, as rows: who joins and who leaves is written and told without a look at everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scim2_models import Group, InvalidValueException

from unkey_sync.ledger.scim_rows import USER, MemberRow
from unkey_sync.scim.changes import GroupState, compute_group_events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync_connectors.event import Event

    from unkey_sync.ledger.scim_rows import ResourceRow, ScimRows
    from unkey_sync.scim.bulk import Promise
    from unkey_sync.scim.members import MemberChange
    from unkey_sync.scim.vault import Vault


@dataclass(frozen=True, slots=True)
class Moved:
    """Members that were not there before, those with another display name, and those that no longer are."""

    joined: list[MemberRow]
    renamed: list[MemberRow]
    left: list[MemberRow]

    def __bool__(self) -> bool:
        return bool(self.joined or self.renamed or self.left)


def move_members(
    rows: ScimRows, vault: Vault, group: ResourceRow, change: MemberChange, promised: Iterable[Promise]
) -> Moved:
    """Write it. Raises InvalidValueException for a member that this tenant does not have."""
    source, named = group.source, change.joined.keys() | change.left
    had = rows.members(source, group.id) if change.whole else rows.members_among(source, group.id, named)
    known = {one.member_id for one in had}
    new = change.joined.keys() - known
    kinds = rows.kinds(source, sorted(new)) | {one.id: one.kind for one in promised if one.id in new}
    if new - kinds.keys():
        raise InvalidValueException(detail="A member is no user or group of this tenant")
    found = [MemberRow(source, group.id, one, kinds[one]) for one in sorted(new)]
    joined = [vault.name_member(one, change.joined[one.member_id]) for one in found]
    renamed = _renamed(vault, [one for one in had if one.member_id in change.joined], change)
    left = [one for one in had if one.member_id not in change.joined]
    rows.drop_members(left)
    rows.save_members([*joined, *renamed])
    return Moved(joined, renamed, left)


def _renamed(vault: Vault, stay: Iterable[MemberRow], change: MemberChange) -> list[MemberRow]:
    """Who has another display name now. A whole list of members without a name takes it away."""
    found = []
    for one in stay:
        name = change.joined[one.member_id]
        if (name or change.whole) and name != vault.member_name(one):
            found.append(vault.name_member(one, name))
    return found


def say_change(
    rows: ScimRows, group: ResourceRow, before: str | None, after: str, moved: Moved
) -> list[Event]:
    """What it means for access. `before` and `after`: the names of the group; no `before`: it is new."""
    joined, left = users_of(moved.joined), users_of(moved.left)
    if before is None:
        return compute_group_events(group.source, group.id, group.version, None, GroupState(after, joined))
    has, had = joined, left
    if before != after:  # another role for everybody
        has = users_of(rows.members(group.source, group.id))
        had = (has - joined) | left
    return compute_group_events(
        group.source, group.id, group.version, GroupState(before, had), GroupState(after, has)
    )


def users_of(members: Iterable[MemberRow]) -> frozenset[str]:
    return frozenset(one.member_id for one in members if one.kind == USER)


def wanted_of(group: Any) -> dict[str, str | None]:
    """The members that a client's group names, with their display names."""
    return {one.value: one.display for one in group.members or () if one.value}


def show(vault: Vault, members: Iterable[MemberRow]) -> list[Any] | None:
    """As a resource has them; without validation, which would take longer than everything else."""
    return [_member(one, vault.member_name(one)) for one in members] or None


def _member(row: MemberRow, display: str | None) -> Any:
    # scim2-server makes a URL of the relative reference.
    said: dict[str, Any] = {"value": row.member_id, "ref": f"{row.kind}s/{row.member_id}", "type": row.kind}
    if display:
        said["display"] = display
    return Group.Members.model_construct(None, **said)
