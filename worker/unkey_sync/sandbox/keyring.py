"""A key and all that hangs on it, found by the hash of its secret: what nodes keep in memory.

Root keys and customers' keys share one name space of hashes, as they share one table upstream.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from unkey_sync.sandbox.errors import Refused, forbidden, not_found, unauthorized
from unkey_sync.sandbox.views import roles_of, slugs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.sandbox.rows import Identity, Key, Limit, RootKey, Workspace
    from unkey_sync.sandbox.state import State

_INVALID = "The provided root key is invalid."


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """`limits` by name; a key's own limit hides the identity's limit of the same name."""

    key: Key
    api_deleted: bool
    identity: Identity | None
    limits: Mapping[str, Limit]
    roles: list[str]
    slugs: list[str]

    def state(self, now_ms: int) -> str:
        """NOT_FOUND, DISABLED, EXPIRED or VALID: what needs no request to be known."""
        if self.key.deleted or self.api_deleted:
            return "NOT_FOUND"
        if not self.key.enabled:
            return "DISABLED"
        return "EXPIRED" if self.key.expires is not None and self.key.expires < now_ms else "VALID"


@dataclass(frozen=True, slots=True)
class LoadedRootKey:
    root_key: RootKey
    workspace: Workspace | None


Loaded = LoadedKey | LoadedRootKey


def load(state: State, secret_hash: str) -> Loaded | None:
    root_key = state.root_keys.find("hash", secret_hash)
    if root_key is not None:
        workspace = state.workspaces.get(root_key.workspace)
        return LoadedRootKey(root_key, None if workspace is None or workspace.deleted else workspace)
    key = state.keys.find("hash", secret_hash)
    return _with_relatives(state, key) if key is not None else None


def _with_relatives(state: State, key: Key) -> LoadedKey:
    api = state.apis.get(key.api)
    identity = state.identities.get(key.identity)
    living = identity if identity is not None and not identity.deleted else None
    limits = {limit.name: limit for limit in state.limits.members("owner", living.id)} if living else {}
    limits.update({limit.name: limit for limit in state.limits.members("owner", key.id)})
    roles = [role.name for role in roles_of(state, key)]
    return LoadedKey(key, api is None or api.deleted, living, limits, roles, slugs_of(state, key))


def root_key_of(loaded: Loaded | None, now_ms: int) -> RootKey:
    """The root key, fit for use. Raises `Refused`: 401, 403 or, for a workspace that is gone, 404."""
    if isinstance(loaded, LoadedRootKey):
        return _usable(loaded, now_ms)
    if loaded is not None and loaded.state(now_ms) == "VALID":
        raise unauthorized(_INVALID)
    if loaded is None or loaded.state(now_ms) == "NOT_FOUND":
        raise unauthorized(f"{_INVALID} We could not find the requested key.")
    raise _disabled() if loaded.state(now_ms) == "DISABLED" else _expired(loaded.key.expires or 0)


def _usable(loaded: LoadedRootKey, now_ms: int) -> RootKey:
    root_key = loaded.root_key
    if loaded.workspace is None:
        raise not_found("workspace", f"{_INVALID} The requested workspace does not exist.")
    if not loaded.workspace.enabled:
        raise forbidden(
            "Workspace is disabled", "workspace_disabled", f"{_INVALID} The workspace is disabled."
        )
    if not root_key.enabled:
        raise _disabled()
    if root_key.expires is not None and root_key.expires < now_ms:
        raise _expired(root_key.expires)
    return root_key


def _disabled() -> Refused:
    return forbidden("Key is disabled", "key_disabled", f"{_INVALID} The key is disabled.")


def _expired(expires_ms: int) -> Refused:
    moment = datetime.fromtimestamp(expires_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = f"{_INVALID} the key has expired on {moment}"
    return forbidden("Forbidden", "forbidden", detail)
