"""Which tenant a bearer token belongs to. Keeps digests only, and no other state."""

from __future__ import annotations

import base64
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
            for secret in filter(None, secrets):  # an empty token opens nothing
                other = self._digests.setdefault(_digest(secret), tenant)
                if other != tenant:
                    raise ConfigError(f"sources {other} and {tenant} have the same SCIM token; make one each")

    def find(self, authorization: str) -> str | None:
        """The tenant of an Authorization header.

        `Bearer <token>`, or as Okta can send it: the bare token, or `Basic` with the token as password.
        """
        given = _digest(_token(authorization.strip()))
        found = None
        for digest, tenant in self._digests.items():  # all of them: the time it takes tells nothing
            if hmac.compare_digest(digest, given):
                found = tenant
        return found


def _token(authorization: str) -> str:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return authorization
    try:
        pair = base64.b64decode(rest.strip(), validate=True).decode()
    except ValueError:
        return ""
    return pair.partition(":")[2]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
