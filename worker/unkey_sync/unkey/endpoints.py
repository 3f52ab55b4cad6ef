"""The Unkey operations we use: what each does to the world and whether it may be sent twice.

Source: Unkey v2 OpenAPI document for the names; behaviour of the real handlers for what may be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    READ = "read"
    REPEATABLE = "repeatable"
    """Changes Unkey; sending it twice leaves what sending it once leaves."""
    ONCE = "once"
    """Changes Unkey every time it is sent. The client never repeats it once it may have left the machine."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation by Unkey's own name, e.g. `keys.createKey`."""

    name: str
    effect: Effect

    @property
    def path(self) -> str:
        return f"/v2/{self.name}"


def _all(effect: Effect, *names: str) -> dict[str, Endpoint]:
    return {name: Endpoint(name, effect) for name in names}


ENDPOINTS: dict[str, Endpoint] = {
    **_all(
        Effect.READ,
        "apis.getApi",
        "apis.listKeys",
        "identities.getIdentity",
        "identities.listIdentities",
        "keys.getKey",
        "keys.whoami",
        "permissions.getPermission",
        "permissions.getRole",
        "permissions.listPermissions",
        "permissions.listRoles",
    ),
    **_all(
        Effect.REPEATABLE,
        "identities.createIdentity",
        "identities.deleteIdentity",
        "identities.updateIdentity",
        "keys.addPermissions",
        "keys.addRoles",
        "keys.deleteKey",
        "keys.migrateKeys",
        "keys.removePermissions",
        "keys.removeRoles",
        "keys.setPermissions",
        "keys.setRoles",
        "keys.updateKey",
        "permissions.createPermission",
        "permissions.createRole",
        "permissions.deletePermission",
        "permissions.deleteRole",
        "permissions.setRolePermissions",
    ),
    **_all(Effect.ONCE, "keys.createKey", "keys.updateCredits", "keys.verifyKey"),
}

# The same Unkey operation, with an absolute value: the one form of it that may be repeated.
SET_CREDITS = Endpoint("keys.updateCredits", Effect.REPEATABLE)
