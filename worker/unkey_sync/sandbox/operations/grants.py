"""Roles and permissions as they are put on keys and roles: who must exist, who is made, what breaks.

The ways differ on purpose, as upstream: creating and updating a key compare slugs exactly and fail with 500
on a spelling that the unique index takes for an existing one; role operations fold case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.sandbox.collation import fold
from unkey_sync.sandbox.errors import Refused, database_failure, not_found
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.rights import on_rbac
from unkey_sync.sandbox.rows import Permission
from unkey_sync.sandbox.table import Duplicate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unkey_sync.sandbox.call import Call
    from unkey_sync.sandbox.state import State


def unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def role_ids(state: State, workspace: str, names: Sequence[str]) -> list[str]:
    """Ids of roles by exact name. Raises `Refused` (404) for the first unknown one."""
    return [_role_id(state, workspace, name) for name in names]


def _role_id(state: State, workspace: str, name: str) -> str:
    role = state.roles.find("name", (workspace, fold(name)))
    if role is None or role.name != name:
        raise not_found("role", f"Role '{name}' was not found.")
    return role.id


def roles_for_key(call: Call, names: Sequence[str]) -> tuple[str, ...]:
    """createKey and updateKey: a name given twice is a failed statement."""
    ids = role_ids(call.rw, call.workspace, names)
    if len(set(ids)) < len(ids):
        raise database_failure("Failed to assign roles.")
    return tuple(ids)


def permissions_for_key(call: Call, slugs: Sequence[str], describe: str = "") -> tuple[str, ...]:
    """createKey and updateKey: missing ones are made without asking; known ones may be given twice.

    `describe`: lead of the description that a permission made here gets.
    """
    found = {slug: exact(call.rw, call.workspace, slug) for slug in slugs}
    ids = [
        known.id if (known := found[slug]) else _made(call, slug, describe, "Failed to create permissions.")
        for slug in slugs
    ]
    return tuple(unique(ids))


def permissions_for_grant(call: Call, slugs: Sequence[str]) -> list[str]:
    """addPermissions and setPermissions:
    missing ones (as far as the replica knows) are made with permission.
    """
    wanted = unique(slugs)
    found = {slug: exact(call.ro, call.workspace, slug) for slug in wanted}
    if None in found.values():
        call.principal.require(on_rbac("create_permission"))
    return [
        known.id if (known := found[slug]) else _made(call, slug, "", "Failed to insert permissions.")
        for slug in wanted
    ]


def permissions_for_role(call: Call, slugs: Sequence[str]) -> tuple[str, ...]:
    """createRole and setRolePermissions: case and repetition do not matter;
    missing ones are made with permission.
    """
    wanted = {fold(slug): slug for slug in reversed(slugs)}
    found = {key: call.rw.permissions.find("slug", (call.workspace, key)) for key in wanted}
    if None in found.values():
        call.principal.require(on_rbac("create_permission"))
    ids = (
        known.id if (known := found[key]) else _made(call, slug, "", "Failed to create permissions.")
        for key, slug in wanted.items()
    )
    return tuple(ids)


def exact(state: State, workspace: str, slug: str) -> Permission | None:
    found = state.permissions.find("slug", (workspace, fold(slug)))
    return found if found is not None and found.slug == slug else None


def unknown_permission(slug: str) -> Refused:
    return not_found("permission", f"Permission '{slug}' was not found.")


def _made(call: Call, slug: str, describe: str, failure: str) -> str:
    description = f"{describe}{slug}" if describe else ""
    permission = Permission(
        id=new_id("perm"), workspace=call.workspace, name=slug, slug=slug, description=description
    )
    try:
        return call.tx.put(call.rw.permissions, permission).id
    except Duplicate:
        raise database_failure(failure) from None
