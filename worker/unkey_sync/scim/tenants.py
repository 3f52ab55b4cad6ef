"""Which tenant a bearer token belongs to. Keeps digests only, and no other state."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from unkey_sync.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Tenants:
    """Tokens of every tenant; a tenant may have several (rotation)."""

    def __init__(self, tokens: Mapping[str, Sequence[str]]) -> None:
        """`tokens` by tenant. Raises ConfigError when two tenants share one."""
        self._digests: dict[bytes, str] = {}
        for tenant, secrets in tokens.items():
            for secret in secrets:
                other = self._digests.setdefault(_digest(secret), tenant)
                if other != tenant:
                    raise ConfigError(f"sources {other} and {tenant} have the same SCIM token; make one each")

    def find(self, authorization: str) -> str | None:
        """The tenant of an Authorization header: `Bearer <token>`, or the bare token, as Okta can send it."""
        scheme, _, rest = authorization.strip().partition(" ")
        given = _digest(rest.strip() if scheme.lower() == "bearer" else authorization.strip())
        found = None
        for digest, tenant in self._digests.items():  # all of them: the time it takes tells nothing
            if hmac.compare_digest(digest, given):
                found = tenant
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
