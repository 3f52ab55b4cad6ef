"""Who calls: from the Authorization header to a principal, and the workspace's own request limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unkey_sync.sandbox.errors import bad_request, too_many_requests
from unkey_sync.sandbox.ids import hash_secret
from unkey_sync.sandbox.keyring import load, root_key_of
from unkey_sync.sandbox.rights import Principal
from unkey_sync.sandbox.windows import Charge

if TYPE_CHECKING:
    from unkey_sync.sandbox.nodes import Node
    from unkey_sync.sandbox.world import World

_SCHEME = "Bearer "
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Admission:
    """`headers`: the RateLimit headers that every answer of a limited workspace carries."""

    principal: Principal
    headers: dict[str, str] = field(default_factory=dict)


def authenticate(world: World, node: Node, authorization: str, now_ms: int) -> Principal:
    """Raises `Refused`: 400, 401, 403, 404."""
    secret = authorization.removeprefix(_SCHEME).strip()
    if not authorization.startswith(_SCHEME) or not secret:
        raise bad_request(
            "You must provide a valid root key in the Authorization header in the format 'Bearer ROOT_KEY'. "
            "Your authorization header is missing the 'Bearer ' prefix.",
            "unkey/authentication/malformed",
        )
    secret_hash = hash_secret(secret)
    loaded = node.keys.get(secret_hash, now_ms, lambda: load(world.replica.state(now_ms), secret_hash))
    root_key = root_key_of(loaded, now_ms)
    return Principal(root_key.name, root_key.workspace, frozenset(root_key.permissions))


def admit(world: World, node: Node, principal: Principal, now_ms: int) -> Admission:
    """Count the call against the workspace. Raises `Refused` (429)."""
    key = principal.workspace
    workspace = node.workspaces.get(key, now_ms, lambda: world.replica.state(now_ms).workspaces.get(key))
    limit = workspace.requests_per_minute if workspace else None
    if limit is None:
        return Admission(principal)
    if limit == 0:
        raise too_many_requests(_exceeded(0), {})
    verdict = world.windows.charge([Charge(("workspace", key), limit, _MINUTE_MS)], now_ms)[0]
    seconds = str((verdict.reset - now_ms) // 1000)
    headers = {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": seconds,
    }
    if not verdict.passed:
        raise too_many_requests(_exceeded(limit), {**headers, "Retry-After": seconds})
    return Admission(principal, headers)


def _exceeded(limit: int) -> str:
    return f"This workspace has exceeded its API rate limit of {limit}/1m0s. Please try again later."
