"""What the tests of generic sources share: configured sources, readings of documents, keys and tokens."""

from __future__ import annotations

import base64
from time import process_time
from typing import TYPE_CHECKING, Any, NoReturn

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from unkey_sync_connectors.base import ConfigProblem, Delivery, Rejected, SourceConfig
from unkey_sync_connectors.generic import Generic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from unkey_sync_connectors.event import Event

SECOND = 1_000_000
AT = 1_760_000_000
NOW = AT * SECOND
BODY = '{"type":"user.created","data":{"id":"user_1","name":"Zoë"}}'.encode()
SECRET = "whsec_dW5pdC10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGVmISE="
BEARER = {"kind": "bearer"}
USERS = {"user": {"types": ["user.*"], "entity": "user", "id": "data.id"}}
TIMED = {"time": "timestamp"}


def generic(options: Mapping[str, Any], *secrets: str, **changes: Any) -> Generic:
    """A source with these tables; what it leaves out is the simplest that works."""
    whole = (
        options if "preset" in options else {"verify": BEARER, "rules": USERS, "envelope": TIMED, **options}
    )
    settings: dict[str, Any] = {"name": "shop", "kind": "generic", "secrets": secrets or ("token",)}
    return Generic(SourceConfig(**{**settings, **changes, "options": whole}))


def read(options: Mapping[str, Any], document: object, **changes: Any) -> Sequence[Event]:
    """What a source makes of a document."""
    headers = changes.pop("headers", {})
    return generic(options, **changes).parse(Delivery(orjson.dumps(document), headers))


def only(options: Mapping[str, Any], document: object, **changes: Any) -> Event:
    (event,) = read(options, document, **changes)
    return event


def problem(options: Mapping[str, Any], *secrets: str) -> tuple[tuple[str | int, ...], str]:
    """Path and message of what is wrong with a configuration."""
    with pytest.raises(ConfigProblem) as caught:
        generic(options, *secrets)
    return caught.value.path, str(caught.value)


def rejection(source: Generic, body: bytes, headers: Mapping[str, str], now: int = NOW) -> str | None:
    """Why a delivery is not believed; None when it is."""
    try:
        source.verify(Delivery(body, headers), now)
    except Rejected as rejected:
        return rejected.reason
    return None


class FakeApi:
    """An API that nobody may ask."""

    def get(self, path: str, _params: object = None, _headers: object = None) -> NoReturn:
        raise AssertionError(path)

    stream = get


def cost_s(work: Callable[[], object]) -> float:
    """CPU seconds of the fastest of three runs: a neighbour on this machine must not fail a test."""
    found = []
    for _ in range(3):
        began = process_time()
        work()
        found.append(process_time() - began)
    return min(found)


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


class Signer:
    """A private key of each kind, its public half as a JSON Web Key, and tokens signed with it."""

    def __init__(self, algorithm: str, kid: str | None = "k1") -> None:
        self.algorithm = algorithm
        self.kid = kid
        self.rsa = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else None
        self.ec = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else None
        self.ed = ed25519.Ed25519PrivateKey.generate()

    @property
    def jwk(self) -> dict[str, Any]:
        named = {"kid": self.kid} if self.kid else {}
        if self.rsa:
            numbers = self.rsa.public_key().public_numbers()
            return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), "use": "sig", **named}
        if self.ec:
            point = self.ec.public_key().public_numbers()
            return {"kty": "EC", "crv": "P-256", "x": coordinate(point.x), "y": coordinate(point.y), **named}
        return {"kty": "OKP", "crv": "Ed25519", "x": encode(self.ed.public_key().public_bytes_raw()), **named}

    def token(self, claims: Mapping[str, Any], **header: Any) -> str:
        full = {"alg": self.algorithm, **({"kid": self.kid} if self.kid else {}), **header}
        signed = f"{encode(orjson.dumps(full))}.{encode(orjson.dumps(claims))}"
        return f"{signed}.{encode(self._sign(signed.encode()))}"

    def _sign(self, data: bytes) -> bytes:
        if self.rsa:
            return self.rsa.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if self.ec:
            r, s = decode_dss_signature(self.ec.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        return self.ed.sign(data)


def coordinate(value: int) -> str:
    return encode(value.to_bytes(32))
