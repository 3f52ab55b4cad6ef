"""Roles and permissions as code: what the policy's [roles] says is created in Unkey and kept equal.

Roles that the policy does not name belong to others and are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.errors import Adopt, Relink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync.unkey.client import Unkey


def keep_roles(unkey: Unkey, roles: Mapping[str, Sequence[str]]) -> list[str]:
    """Make Unkey's roles equal to these; the names of those that were created or changed.

    Raises what the client raises; doing it again is harmless.
    """
    return [name for name, slugs in sorted(roles.items()) if _keep(unkey, name, frozenset(slugs))]


def _keep(unkey: Unkey, name: str, wanted: frozenset[str]) -> bool:
    try:
        role = unkey.roles.get(name)
    except Relink:
        return _create(unkey, name, wanted)
    if role.slugs() == wanted:
        return False
    unkey.roles.set_permissions(role.id, sorted(wanted))
    return True


def _create(unkey: Unkey, name: str, wanted: frozenset[str]) -> bool:
    try:
        role_id = unkey.roles.create(name=name).role_id
    except Adopt:
        role_id = unkey.roles.get(name).id
    if wanted:
        unkey.roles.set_permissions(role_id, sorted(wanted))
    return True
