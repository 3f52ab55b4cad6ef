"""keys.*Roles and keys.*Permissions: add and remove are idempotent one after the other; set replaces exactly.

What a key has now is read from the replica for add and remove, so a late reader meets the unique index: 500.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.errors import database_failure
from unkey_sync.sandbox.operations.grants import (
    exact,
    permissions_for_grant,
    role_ids,
    unique,
    unknown_permission,
)
from unkey_sync.sandbox.operations.keys import NOT_YOURS, current_key, live_key, require_on_key
from unkey_sync.sandbox.rights import on_rbac
from unkey_sync.sandbox.views import permission_views, role_views

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync.sandbox.rows import Key


def add_roles(call: Call) -> Reply:
    key = _key(call, "add_role_to_key")
    wanted = unique(role_ids(call.ro, call.workspace, call.body["roles"]))
    added = _fresh(wanted, seen=key.roles, held=current_key(call, key).roles, failure="Failed to add roles.")
    return _with_roles(call, key, [*current_key(call, key).roles, *added])


def remove_roles(call: Call) -> Reply:
    key = _key(call)
    gone = set(role_ids(call.ro, call.workspace, call.body["roles"]))
    return _with_roles(call, key, [link for link in current_key(call, key).roles if link not in gone])


def set_roles(call: Call) -> Reply:
    key = _key(call)
    return _with_roles(call, key, unique(role_ids(call.rw, call.workspace, call.body["roles"])))


def add_permissions(call: Call) -> Reply:
    key = _key(call, "add_permission_to_key")
    wanted = permissions_for_grant(call, call.body["permissions"])
    held = current_key(call, key).permissions
    added = _fresh(wanted, seen=key.permissions, held=held, failure="Failed to add permissions.")
    return _with_permissions(call, key, [*held, *added])


def remove_permissions(call: Call) -> Reply:
    key = _key(call, "remove_permission_from_key")
    gone = {_known(call, slug) for slug in call.body["permissions"]}
    kept = [link for link in current_key(call, key).permissions if link not in gone]
    return _with_permissions(call, key, kept)


def set_permissions(call: Call) -> Reply:
    key = _key(call, "add_permission_to_key", "remove_permission_from_key")
    return _with_permissions(call, key, permissions_for_grant(call, call.body["permissions"]))


def _key(call: Call, *actions: str) -> Key:
    key = live_key(call, call.body["keyId"], NOT_YOURS)
    require_on_key(call, key, "update_key")
    for action in actions:
        call.principal.require(on_rbac(action))
    return key


def _fresh(wanted: Iterable[str], *, seen: Iterable[str], held: Iterable[str], failure: str) -> list[str]:
    """What is to be inserted: what the reader did not see.

    Raises `Refused` (500) if it is there all the same.
    """
    added = [link for link in wanted if link not in set(seen)]
    if not set(added).isdisjoint(held):
        raise database_failure(failure)
    return added


def _known(call: Call, slug: str) -> str:
    permission = exact(call.ro, call.workspace, slug)
    if permission is None:
        raise unknown_permission(slug)
    return permission.id


def _with_roles(call: Call, key: Key, links: Iterable[str]) -> Reply:
    updated = call.tx.put(call.rw.keys, replace(current_key(call, key), roles=tuple(links)))
    call.node.keys.drop(key.hash)
    return Reply(role_views(call.rw, updated))


def _with_permissions(call: Call, key: Key, links: Iterable[str]) -> Reply:
    updated = call.tx.put(call.rw.keys, replace(current_key(call, key), permissions=tuple(links)))
    call.node.keys.drop(key.hash)
    return Reply(permission_views(call.rw, updated.permissions))
