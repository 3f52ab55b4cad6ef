"""JSON Web Tokens and their keys (key sets, PEM), as far as webhooks need them: a token, and who signed it.

HS256, RS256, ES256, EdDSA (Ed25519); a key works with one algorithm only. No encryption, no key fetching, no
trust in anything that a token's own header says about keys. Sources: RFC 7515, 7517, 7518, 8037.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from unkey_sync_connectors.base import ConfigProblem, Malformed, Rejected
from unkey_sync_connectors.payload import read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_KEYS = 16
"""How many keys of a set are looked at."""
MIN_RSA_BITS = 2048
MAX_TOKEN_LENGTH = 4_000_000
"""Longest token looked at, in bytes: a body of 1 MiB fits, escaped and encoded."""

_PEM = "-----BEGIN "
_PEM_AS_BASE64 = "LS0tLS1CRUdJTi"


class BadToken(ValueError):  # noqa: N818
    """Not a signed token. The message never quotes it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart; nothing of it is proven."""

    header: dict[str, Any] = field(repr=False)
    claims: dict[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Key:
    """One verification key. `check(signature, data)` raises InvalidSignature."""

    id: str | None
    algorithm: str
    check: Callable[[bytes, bytes], None] = field(repr=False)

    def verifies(self, token: Token) -> bool:
        try:
            self.check(token.signature, token.signed)
        except InvalidSignature:
            return False
        return True


def split_token(raw: bytes) -> Token:
    """Take a compact token apart. Raises BadToken."""
    parts = raw.split(b".", 3)
    if len(parts) != 3 or len(raw) > MAX_TOKEN_LENGTH:
        raise BadToken("not three parts, or too long")
    try:
        header, claims = (read_object(_decode(part)) for part in parts[:2])
    except Malformed:
        raise BadToken("not JSON") from None
    return Token(header, claims, parts[0] + b"." + parts[1], _decode(parts[2]))


def read_token(raw: bytes, keys: Sequence[Key], algorithms: Sequence[str] = ("RS256",)) -> dict[str, Any]:
    """The claims of a token that one of the keys signed. Times in it are not looked at. Raises Rejected."""
    try:
        token = split_token(raw)
    except BadToken:
        raise Rejected("bad_token") from None
    asked, wanted = token.header.get("alg"), token.header.get("kid")
    if asked not in algorithms or "crit" in token.header:
        raise Rejected("bad_algorithm", f"allowed are {', '.join(algorithms)}")
    fitting = [
        key for key in keys if key.algorithm == asked and (None in (wanted, key.id) or wanted == key.id)
    ]
    if not fitting:
        raise Rejected("unknown_key", "the key set is old, or the token is from somebody else")
    if not any(key.verifies(token) for key in fitting):
        raise Rejected("no_match", "another key, or something changed the token on its way")
    return token.claims


def make_token(claims: bytes, secret: bytes) -> str:
    """An HS256 token, for `trigger` and tests."""
    signed = b".".join(base64.urlsafe_b64encode(one).rstrip(b"=") for one in (b'{"alg":"HS256"}', claims))
    mac = hmac.digest(secret, signed, "sha256")
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def secret_key(secret: bytes) -> Key:
    """A shared secret as an HS256 key."""

    def check(signature: bytes, data: bytes) -> None:
        if not hmac.compare_digest(hmac.digest(secret, data, hashlib.sha256), signature):
            raise InvalidSignature

    return Key(None, "HS256", check)


def is_pem(secret: str) -> bool:
    """True for a PEM, or a PEM in base64 on one line."""
    return secret.lstrip().startswith((_PEM, _PEM_AS_BASE64))


def pem_key(secret: str) -> Key:
    """The RSA key in a PEM, or in a PEM in base64, as an RS256 key. Raises ConfigProblem."""
    text = secret.strip()
    try:
        pem = text.encode() if text.startswith(_PEM) else base64.b64decode(text, validate=True)
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigProblem("a public key is not readable as PEM") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise ConfigProblem(f"a public key is not an RSA key of at least {MIN_RSA_BITS} bits")
    return _rs256(None, key)


def read_keys(found: object) -> list[Key]:
    """The usable keys of a JSON Web Key Set. Raises ConfigProblem when there is none, or one is broken."""
    rows = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigProblem('is no key set: a table with a list "keys"')
    usable = [row for row in rows if str(row.get("kty")) in _READERS and row.get("use", "sig") == "sig"]
    keys = [_READERS[row["kty"]](row) for row in usable[:MAX_KEYS]]
    if not keys:
        raise ConfigProblem("holds no signing key of type RSA, EC or OKP")
    return keys


def _rsa(row: Mapping[str, Any]) -> Key:
    try:
        key = rsa.RSAPublicNumbers(_number(row, "e"), _number(row, "n")).public_key()
    except ValueError:
        raise ConfigProblem("holds a broken RSA key") from None
    if key.key_size < MIN_RSA_BITS:
        raise ConfigProblem(f"holds an RSA key of fewer than {MIN_RSA_BITS} bits")
    return _rs256(_id(row), key)


def _rs256(key_id: str | None, key: rsa.RSAPublicKey) -> Key:
    return Key(
        key_id,
        "RS256",
        lambda signature, data: key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256()),
    )


def _ec(row: Mapping[str, Any]) -> Key:
    try:
        numbers = ec.EllipticCurvePublicNumbers(_number(row, "x"), _number(row, "y"), ec.SECP256R1())
        key = numbers.public_key()
    except ValueError:
        raise ConfigProblem("holds a broken EC key; only the curve P-256 is supported") from None

    def check(signature: bytes, data: bytes) -> None:
        if len(signature) != 64:
            raise InvalidSignature
        r, s = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))

    return Key(_id(row), "ES256", check)


def _okp(row: Mapping[str, Any]) -> Key:
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(_bytes(row, "x"))
    except ValueError:
        raise ConfigProblem("holds a broken OKP key; only Ed25519 is supported") from None
    return Key(_id(row), "EdDSA", key.verify)


_READERS: dict[str, Callable[[Mapping[str, Any]], Key]] = {"RSA": _rsa, "EC": _ec, "OKP": _okp}


def _id(row: Mapping[str, Any]) -> str | None:
    found = row.get("kid")
    return found if isinstance(found, str) else None


def _number(row: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(_bytes(row, name))


def _bytes(row: Mapping[str, Any], name: str) -> bytes:
    value = row.get(name)
    if not isinstance(value, str):
        raise BadToken(f"no {name}")
    return _decode(value.encode())


def _decode(part: bytes) -> bytes:
    try:
        return base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise BadToken("not base64url") from None
