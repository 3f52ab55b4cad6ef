"""RS256 tokens (RFC 7515 compact form), for the vendors that prove themselves with one.

The algorithm is fixed: what a token's header asks for decides nothing. No other algorithm, no key lookup.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from unkey_sync_connectors.base import ConfigProblem, Malformed, Rejected
from unkey_sync_connectors.payload import read_object

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TOKEN_LENGTH = 4_000_000
"""Longest token looked at, in characters: a body of 1 MiB fits, escaped and encoded."""
MIN_KEY_BITS = 2_048

_PEM = "-----BEGIN "
_PEM_AS_BASE64 = "LS0tLS1CRUdJTi"


def is_public_key(secret: str) -> bool:
    """True for a PEM, or a PEM in base64 on one line."""
    return secret.lstrip().startswith((_PEM, _PEM_AS_BASE64))


def load_public_key(secret: str) -> RSAPublicKey:
    """The RSA key in a PEM, or in a PEM in base64. Raises ConfigProblem."""
    text = secret.strip()
    try:
        pem = text.encode() if text.startswith(_PEM) else base64.b64decode(text, validate=True)
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigProblem("a public key is not readable as PEM") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        raise ConfigProblem(f"a public key is not an RSA key of at least {MIN_KEY_BITS} bits")
    return key


def read_token(token: str, keys: Sequence[RSAPublicKey]) -> dict[str, Any]:
    """The claims of a token that one of the keys signed. Times in it are not looked at. Raises Rejected."""
    signed, _, signature = token.rpartition(".")
    header, dot, claims = signed.partition(".")
    if len(token) > MAX_TOKEN_LENGTH or not dot or not token.isascii():
        raise Rejected("bad_token")
    asked = _read(header)
    if asked.get("alg") != "RS256" or "crit" in asked:
        raise Rejected("bad_algorithm", "only RS256 is accepted")
    raw = _decode(signature)
    if not any(_fits(key, raw, signed.encode()) for key in keys):
        raise Rejected("no_match", "another key, or something changed the token on its way")
    return _read(claims)


def _fits(key: RSAPublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _read(part: str) -> dict[str, Any]:
    try:
        return read_object(_decode(part))
    except Malformed:
        raise Rejected("bad_token") from None


def _decode(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("bad_token") from None
