"""What a root key may do: the permissions any one of which is enough, and the check.

Permissions are tuples `type.id.action`; each list also names the resource form, matched literally.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.sandbox.errors import forbidden

if TYPE_CHECKING:
    from collections.abc import Sequence

ANY_API = ("create_api", "read_api", "delete_api", "update_api")
ANY_KEY = ("create_key", "read_key", "update_key", "delete_key", "verify_key", "encrypt_key", "decrypt_key")
_RBAC = tuple(
    f"{verb}_{noun}" for noun in ("permission", "role") for verb in ("create", "read", "update", "delete")
)
_RBAC_LINKS = (
    "add_permission_to_key",
    "remove_permission_from_key",
    "add_role_to_key",
    "remove_role_from_key",
    "add_permission_to_role",
    "remove_permission_from_role",
)
ALL = frozenset(
    [f"api.*.{action}" for action in (*ANY_API, *ANY_KEY)]
    + [f"identity.*.{verb}_identity" for verb in ("create", "read", "update", "delete")]
    + [f"rbac.*.{action}" for action in (*_RBAC, *_RBAC_LINKS)]
    + [
        f"ratelimit.*.{action}"
        for action in (
            "limit",
            "create_namespace",
            "read_namespace",
            "update_namespace",
            "delete_namespace",
            "set_override",
            "read_override",
            "delete_override",
        )
    ]
)
"""Every permission that an operation of the sandbox asks for."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated root key: its alias, workspace and permissions."""

    name: str
    workspace: str
    permissions: frozenset[str]

    def may(self, alternatives: Sequence[str]) -> bool:
        return not self.permissions.isdisjoint(alternatives)

    def require(self, alternatives: Sequence[str]) -> None:
        """Raises `Refused` (403) unless one of the permissions is there."""
        if not self.may(alternatives):
            raise forbidden("Insufficient Permissions", "insufficient_permissions", missing(alternatives))


def missing(alternatives: Sequence[str]) -> str:
    if len(alternatives) == 1:
        return f"Missing permission: '{alternatives[0]}'"
    return f"Missing one of these permissions: {' or '.join(alternatives)}"


def on_identities(principal: Principal, action: str, identity_id: str | None = None) -> list[str]:
    own = [f"identity.{identity_id}.{action}"] if identity_id else []
    urn = f"unkey:v1:{principal.workspace}:projects/*/identities/*#{action}"
    return [f"identity.*.{action}", *own, urn]


def on_api(principal: Principal, action: str, api_id: str, keyspace: str = "*") -> list[str]:
    urn = f"unkey:v1:{principal.workspace}:keyspaces/{keyspace}/keys/*#{action}"
    return [f"api.*.{action}", f"api.{api_id}.{action}", urn]


def on_rbac(action: str) -> list[str]:
    return [f"rbac.*.{action}"]


def on_namespace(action: str, namespace_id: str) -> list[str]:
    return [f"ratelimit.*.{action}", f"ratelimit.{namespace_id}.{action}"]
