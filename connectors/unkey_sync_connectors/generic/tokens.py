"""A delivery proven by a JSON Web Token: in a header, with a hash of the body as a claim, or as the body itself.

Keys come from the configuration only. A token that covers no body must expire. Does not fetch key sets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync_connectors.base import ConfigProblem, Rejected
from unkey_sync_connectors.jose import make_token, read_token
from unkey_sync_connectors.signing import read_header
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync_connectors.base import Delivery
    from unkey_sync_connectors.jose import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """`header`: where the token is, "" for the body. `body_hash`: the claim with base64 of the body's SHA-256.

    `issuer` and `audience`: what the token must say, "" for anything. `secret`: to sign test events with.
    """

    header: str
    keys: Sequence[Key]
    algorithms: Sequence[str]
    tolerance_s: int
    issuer: str = ""
    audience: str = ""
    body_hash: str = ""
    secret: str = field(default="", repr=False)

    def verify(self, delivery: Delivery, now: int) -> None:
        """Raises Rejected."""
        if not self.keys:
            raise Rejected("no_secret", "no key is configured for this source")
        claims = read_token(self._token(delivery), self.keys, self.algorithms)
        self._check_time(claims, now)
        self._check_names(claims)
        self._check_body(claims, delivery.body)

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        """Raises ConfigProblem unless the token is in a header and signed with a shared secret."""
        if not (self.header and self.secret and "HS256" in self.algorithms):
            raise ConfigProblem("public keys can verify and not sign; and a token in the body signs itself")
        claims: dict[str, Any] = {"iat": now // SECOND, "exp": now // SECOND + self.tolerance_s}
        claims |= {"iss": self.issuer} if self.issuer else {}
        claims |= {"aud": self.audience} if self.audience else {}
        claims |= {self.body_hash: _hash(body)} if self.body_hash else {}
        return {self.header: make_token(orjson.dumps(claims), self.secret.encode())}

    def _token(self, delivery: Delivery) -> bytes:
        if not self.header:
            return delivery.body.strip()
        value = read_header(delivery.headers, (self.header,))
        return value.rpartition(" ")[2].encode("utf-8", "surrogatepass")

    def _check_time(self, claims: Mapping[str, Any], now: int) -> None:
        tolerance = self.tolerance_s
        covers_body = bool(self.body_hash) or not self.header
        expires = _seconds(claims, "exp")
        if expires is None and not covers_body:
            raise Rejected("bad_token", "it covers no body and never expires")
        if expires is not None and expires < now / SECOND - tolerance:
            raise Rejected("too_old", "the token has expired, or this machine's clock is fast")
        begins = max(_seconds(claims, "nbf") or 0, _seconds(claims, "iat") or 0)
        if begins > now / SECOND + tolerance:
            raise Rejected("too_new", "the token is from the future, or this machine's clock is slow")

    def _check_names(self, claims: Mapping[str, Any]) -> None:
        if self.issuer and claims.get("iss") != self.issuer:
            raise Rejected("wrong_issuer")
        audience = claims.get("aud")
        if self.audience and self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise Rejected("wrong_audience")

    def _check_body(self, claims: Mapping[str, Any], body: bytes) -> None:
        if not self.body_hash:
            return
        claimed = claims.get(self.body_hash)
        if not isinstance(claimed, str) or not hmac.compare_digest(claimed.encode(), _hash(body).encode()):
            raise Rejected("no_match", "something changed the body on its way")


def _hash(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise Rejected("bad_token", f"{name} is not a time")
