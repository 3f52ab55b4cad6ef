"""Proof that Keycloak's extension sent a delivery: HMAC, a token of the realm, or a header (basic auth).

The form of each configured secret says what it is for, and a request never chooses. Only the token carries a
time.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Rejected, Unusable
from unkey_sync_connectors.credentials import AUTHORIZATION, HeaderSecrets
from unkey_sync_connectors.jose import is_pem, pem_key, read_token
from unkey_sync_connectors.payload import Fields
from unkey_sync_connectors.signing import Scheme, Verifier
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.base import Delivery, SourceConfig

SIGNATURE = "x-keycloak-signature"
SHA256 = Scheme(signature=(SIGNATURE,), prefix="")
"""Hex HMAC over the body alone (Phase Two's keycloak-events)."""
SHA1 = Scheme(signature=(SIGNATURE,), prefix="", digest="sha1")

_OLD = "sha1:"
_BASIC = "Basic "
_BEARER = "Bearer "


class KeycloakVerifier:
    """A PEM verifies tokens, `Basic …` that header, `sha1:…` old HMACs, anything else HMAC-SHA256."""

    def __init__(self, config: SourceConfig) -> None:
        """Raises ConfigProblem for secrets that cannot work."""
        self._config = config
        self._keys = [pem_key(one) for one in config.secrets if is_pem(one)]
        rest = [one for one in config.secrets if not is_pem(one)]
        basic = [one for one in rest if one.startswith(_BASIC)]
        old = [one.removeprefix(_OLD) for one in rest if one.startswith(_OLD)]
        shared = [one for one in rest if not one.startswith((_BASIC, _OLD))]
        self._basic = HeaderSecrets(secrets=basic)
        self._old = Verifier(scheme=SHA1, secrets=old)
        self._hmac = Verifier(scheme=SHA256, secrets=shared)

    def verify(self, delivery: Delivery, now: int) -> None:
        """Raises Rejected."""
        authorization = delivery.headers.get(AUTHORIZATION, "")
        signature = delivery.headers.get(SIGNATURE, "")
        if self._keys and authorization.startswith(_BEARER):
            self._check_token(authorization.removeprefix(_BEARER), delivery.body, now)
        elif self._basic.secrets and authorization.startswith(_BASIC):
            self._basic.verify(delivery)
        elif self._old.secrets and len(signature) == hashlib.sha1(usedforsecurity=False).digest_size * 2:
            self._old.verify(delivery, now)
        else:
            self._hmac.verify(delivery, now)

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        """Headers that `verify` accepts. Raises ConfigProblem: with a public key only Keycloak can sign."""
        if self._basic.secrets:
            return self._basic.sign()
        return self._old.sign(body, now) if self._old.secrets else self._hmac.sign(body, now)

    def _check_token(self, token: str, body: bytes, now: int) -> None:
        claims = Fields(read_token(token.encode("utf-8", "surrogatepass"), self._keys))
        try:
            expires, issued = claims.instant("exp").us, claims.instant("iat").us
            issuer, signed = claims.text("iss"), claims.text("request_body_sha256")
        except Unusable:
            raise Rejected("bad_token", "a claim is missing") from None
        tolerance = self._config.tolerance_s * SECOND
        if expires + tolerance < now:
            raise Rejected("too_old", "the token has expired, or this machine's clock is fast")
        if issued - tolerance > now:
            raise Rejected("too_new", "the token is from the future, or this machine's clock is slow")
        if not issuer.endswith(f"/realms/{self._config.account}") and self._config.account:
            raise Rejected("no_match", "the token is another realm's")
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), signed.lower().encode()):
            raise Rejected("no_match", "the body is not the one that the token was made for")
