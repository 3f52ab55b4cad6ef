"""What a change of a group says: who joined, who left, whose role has another name. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Kind
from unkey_sync_connectors.scim.statements import say_gone, say_group, say_left, say_member

if TYPE_CHECKING:
    from unkey_sync_connectors.event import Event


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group as far as access depends on it. Groups inside it grant nothing."""

    role: str
    users: frozenset[str]


def compute_group_events(
    source: str, group: str, version: int, before: GroupState | None, after: GroupState
) -> list[Event]:
    """A new group, or one that has changed. A renamed group gives every member another role."""
    said = [say_group(source, group, version)] if before is None else []
    known = before.users if before is not None else frozenset()
    told = known if before is not None and before.role == after.role else frozenset()
    said += [say_member(source, group, user, version, role=after.role) for user in sorted(after.users - told)]
    return said + [say_left(source, group, user, version) for user in sorted(known - after.users)]


def compute_end_of_group(source: str, group: str, version: int, users: frozenset[str]) -> list[Event]:
    left = [say_left(source, group, user, version) for user in sorted(users)]
    return [*left, say_gone(source, Kind.ORGANIZATION, group, version)]
