"""Standard Webhooks 1.0: `v1` (HMAC) and `v1a` (Ed25519), under its own header names or Svix's.

What a secret begins with says what it is: `whpk_` a sender's public key, `whsk_` a private key of ours (to sign
test events with), all else a shared secret. Source: Standard Webhooks specification 1.0.0.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from unkey_sync_connectors.base import ConfigProblem, Rejected
from unkey_sync_connectors.signing import STANDARD_WEBHOOKS, Verifier, check_age, read_claims

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync_connectors.base import Delivery
    from unkey_sync_connectors.signing import Claims

V1A = replace(STANDARD_WEBHOOKS, label="v1a")
PUBLIC, PRIVATE = "whpk_", "whsk_"


class StandardWebhooks:
    """Verifies both versions; signs with the first secret that can."""

    def __init__(self, secrets: Sequence[str], tolerance_s: int) -> None:
        shared = [secret for secret in secrets if not secret.strip().startswith((PUBLIC, PRIVATE))]
        self._shared = Verifier(scheme=STANDARD_WEBHOOKS, secrets=shared, tolerance_s=tolerance_s)
        self._can_share = bool(shared) or not secrets
        self._private = [_private(secret) for secret in secrets if secret.strip().startswith(PRIVATE)]
        self._public = [_public(secret) for secret in secrets if secret.strip().startswith(PUBLIC)]
        self._public += [key.public_key() for key in self._private]
        self._tolerance_s = tolerance_s

    def verify(self, delivery: Delivery, now: int) -> None:
        if self._public and self._is_signed(delivery, now):
            return
        if not self._can_share:
            raise Rejected("no_match", "signed with another key, or something changed the body on its way")
        self._shared.verify(delivery, now)

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        """Raises ConfigProblem when only public keys are configured."""
        if self._can_share:
            return self._shared.sign(body, now)
        if not self._private:
            raise ConfigProblem("public keys (whpk_) can verify and not sign")
        unsigned = Verifier(scheme=STANDARD_WEBHOOKS, secrets=("AAAA",)).sign(body, now)
        claims = read_claims(STANDARD_WEBHOOKS, unsigned)
        signature = base64.b64encode(self._private[0].sign(_content(claims, body))).decode()
        return {**unsigned, STANDARD_WEBHOOKS.signature[0]: f"v1a,{signature}"}

    def _is_signed(self, delivery: Delivery, now: int) -> bool:
        claims = read_claims(V1A, delivery.headers)
        check_age(claims.timestamp, now, self._tolerance_s)
        content = _content(claims, delivery.body)
        return any(_matches(key, one, content) for key in self._public for one in claims.signatures)


def _content(claims: Claims, body: bytes) -> bytes:
    return f"{claims.id}.{claims.timestamp}.".encode() + body


def _matches(key: Ed25519PublicKey, signature: str, content: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), content)
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _public(secret: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_bytes(secret, PUBLIC, 32))


def _private(secret: str) -> Ed25519PrivateKey:
    """The seed, alone or followed by its public key, as NaCl's libraries write it."""
    key = Ed25519PrivateKey.from_private_bytes(_bytes(secret, PRIVATE, 32, 64)[:32])
    raw = _bytes(secret, PRIVATE, 32, 64)[32:]
    if raw and raw != key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw):
        raise ConfigProblem("the two halves of a whsk_ key do not belong together")
    return key


def _bytes(secret: str, prefix: str, *lengths: int) -> bytes:
    try:
        raw = base64.b64decode(secret.strip().removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigProblem(f"a {prefix} key is not base64; copy the vendor's text whole") from None
    if len(raw) not in lengths:
        raise ConfigProblem(f"a {prefix} key has not {' or '.join(map(str, lengths))} bytes")
    return raw
