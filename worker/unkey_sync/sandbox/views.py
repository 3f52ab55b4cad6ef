"""Rows as Unkey's answers show them.

What is empty is left out, as upstream does; the order of lists means nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync.sandbox.rows import Identity, Key, Limit, Override, Permission, Role
    from unkey_sync.sandbox.state import State


def without_empty(**members: Any) -> dict[str, Any]:
    """The members that are neither None, "" nor an empty list or object. (0 and False stay.)"""
    return {name: value for name, value in members.items() if value is not None and value not in ("", [], {})}


def limit_view(limit: Limit) -> dict[str, Any]:
    return {
        "id": limit.id,
        "name": limit.name,
        "limit": limit.limit,
        "duration": limit.duration,
        "autoApply": limit.auto_apply,
    }


def limit_views(limits: Iterable[Limit]) -> list[dict[str, Any]]:
    return [limit_view(limit) for limit in limits]


def identity_view(state: State, identity: Identity) -> dict[str, Any]:
    limits = limit_views(state.limits.members("owner", identity.id))
    known = without_empty(meta=identity.meta, ratelimits=limits)
    return {"id": identity.id, "externalId": identity.external_id, **known}


def permission_view(permission: Permission) -> dict[str, Any]:
    own = {"id": permission.id, "name": permission.name, "slug": permission.slug}
    return {**own, **without_empty(description=permission.description)}


def permission_views(state: State, ids: Iterable[str]) -> list[dict[str, Any]]:
    found = (state.permissions.get(permission_id) for permission_id in ids)
    return [permission_view(permission) for permission in found if permission is not None]


def role_view(state: State, role: Role) -> dict[str, Any]:
    permissions = permission_views(state, role.permissions)
    known = without_empty(description=role.description, permissions=permissions)
    return {"id": role.id, "name": role.name, **known}


def roles_of(state: State, key: Key) -> list[Role]:
    found = (state.roles.get(role_id) for role_id in key.roles)
    return [role for role in found if role is not None]


def role_views(state: State, key: Key) -> list[dict[str, Any]]:
    return [role_view(state, role) for role in roles_of(state, key)]


def slugs_of(state: State, key: Key) -> list[str]:
    """Direct permissions and those of the roles, as one set: answers do not tell them apart."""
    ids = dict.fromkeys(
        [*key.permissions, *(link for role in roles_of(state, key) for link in role.permissions)]
    )
    found = (state.permissions.get(permission_id) for permission_id in ids)
    return [permission.slug for permission in found if permission is not None]


def refill_view(key: Key) -> dict[str, Any] | None:
    if key.refill_amount is None:
        return None
    if key.refill_day is None:
        return {"interval": "daily", "amount": key.refill_amount}
    return {"interval": "monthly", "amount": key.refill_amount, "refillDay": key.refill_day}


def credits_view(key: Key) -> dict[str, Any]:
    return {"remaining": key.remaining, **without_empty(refill=refill_view(key))}


def key_view(state: State, key: Key) -> dict[str, Any]:
    known = without_empty(
        updatedAt=key.updated_at,
        name=key.name,
        meta=key.meta,
        expires=key.expires or None,  # an expiry of 0 is not shown
        credits=credits_view(key) if key.remaining is not None else None,
        identity=linked_identity(state, key),
        permissions=slugs_of(state, key),
        roles=[role.name for role in roles_of(state, key)],
        ratelimits=limit_views(state.limits.members("owner", key.id)),
    )
    return {
        "keyId": key.id,
        "start": key.start,
        "createdAt": key.created_at,
        "enabled": key.enabled,
        **known,
    }


def linked_identity(state: State, key: Key) -> dict[str, Any] | None:
    identity = state.identities.get(key.identity)
    return None if identity is None or identity.deleted else identity_view(state, identity)


def listed_key_view(state: State, key: Key) -> dict[str, Any]:
    """As `key_view`, but a link to a deleted identity still shows its id,
    with an empty externalId (listKeys).
    """
    view = key_view(state, key)
    if key.identity is not None and "identity" not in view:
        view["identity"] = {"id": key.identity, "externalId": ""}
    return view


def override_view(override: Override) -> dict[str, Any]:
    return {
        "overrideId": override.id,
        "identifier": override.identifier,
        "limit": override.limit,
        "duration": override.duration,
    }
