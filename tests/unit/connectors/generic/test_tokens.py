"""Tokens: three places, four algorithms, and the ways a forged one has been seen to pass elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac as stdlib_hmac
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from unkey_sync_connectors.base import ConfigProblem, Delivery, Malformed

from tests.unit.connectors.generic.support import (
    AT,
    BODY,
    NOW,
    SECOND,
    Signer,
    encode,
    generic,
    number,
    problem,
    rejection,
)

if TYPE_CHECKING:
    from pathlib import Path

    from unkey_sync_connectors.generic import Generic

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
FRESH = {"iat": AT, "exp": AT + 60, "iss": "https://id.example", "aud": ["us", "them"]}
HASH = base64.b64encode(hashlib.sha256(BODY).digest()).decode()


@cache
def signer(algorithm: str) -> Signer:
    return Signer(algorithm)


def jwt(*signers: Signer, **changes: Any) -> dict[str, Any]:
    table = {"kind": "jwt", "algorithms": ALGORITHMS, "jwks": {"keys": [one.jwk for one in signers]}}
    return {"verify": {**table, **changes}}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def source_of(algorithm: str, **changes: Any) -> Generic:
    return generic(jwt(signer(algorithm), **changes))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_is_accepted_and_a_changed_one_is_not(algorithm: str):
    token = signer(algorithm).token(FRESH)
    head, claims, signature = token.split(".")
    source = source_of(algorithm, issuer="https://id.example", audience="us")

    assert rejection(source, BODY, bearer(token)) is None
    assert rejection(source, BODY, bearer(f"{head}.{encode(b'{}')}.{signature}")) == "no_match"
    assert rejection(source, BODY, bearer(f"{head}.{claims}.{encode(b'x' * 64)}")) == "no_match"
    assert rejection(source, BODY, bearer(f"{head}.{claims}.")) == "no_match"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({**FRESH, "exp": AT - 301}, "too_old"),
        ({**FRESH, "exp": AT - 299}, None),
        ({**FRESH, "nbf": AT + 301}, "too_new"),
        ({**FRESH, "iat": AT + 301}, "too_new"),
        ({**FRESH, "iat": AT + 299.5}, None),
        ({**FRESH, "exp": "never"}, "bad_token"),
        ({**FRESH, "exp": True}, "bad_token"),
        ({"iat": AT}, "bad_token"),
        ({**FRESH, "exp": 1e300}, None),
    ],
)
def test_a_token_counts_for_its_time_only(claims: dict[str, Any], reason: str | None):
    assert rejection(source_of("EdDSA"), BODY, bearer(signer("EdDSA").token(claims))) == reason


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({**FRESH, "iss": "https://evil.example"}, "wrong_issuer"),
        ({**FRESH, "aud": "others"}, "wrong_audience"),
        ({**FRESH, "aud": None}, "wrong_audience"),
        ({**FRESH, "aud": "us"}, None),
    ],
)
def test_a_token_must_be_from_whom_and_for_whom_it_is_configured(claims: Any, reason: str | None):
    source = source_of("EdDSA", issuer="https://id.example", audience="us")

    assert rejection(source, BODY, bearer(signer("EdDSA").token(claims))) == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "none"}, "bad_algorithm"),
        ({"alg": "NONE"}, "bad_algorithm"),
        ({"alg": None}, "bad_algorithm"),
        ({"alg": ["EdDSA"]}, "bad_algorithm"),
        ({"alg": "HS256"}, "bad_algorithm"),
        ({"alg": "RS256"}, "unknown_key"),
        ({"kid": "other"}, "unknown_key"),
        ({"kid": 7}, "unknown_key"),
        ({"crit": ["b64"], "b64": False}, "bad_algorithm"),
        ({"jwk": {"kty": "oct", "k": "AAAA"}}, None),
    ],
)
def test_what_a_token_says_of_its_own_key_is_not_believed(header: dict[str, Any], reason: str | None):
    assert rejection(source_of("EdDSA"), BODY, bearer(signer("EdDSA").token(FRESH, **header))) == reason


def test_a_public_key_never_serves_as_a_shared_secret():
    key = signer("RS256")
    source = generic(jwt(key, algorithms=["RS256", "HS256"]), "our secret")
    header = encode(orjson.dumps({"alg": "HS256"}))
    signed = f"{header}.{encode(orjson.dumps(FRESH))}"
    for stolen in (key.jwk["n"].encode(), orjson.dumps(key.jwk)):
        mac = stdlib_hmac.digest(stolen, signed.encode(), "sha256")

        assert rejection(source, BODY, bearer(f"{signed}.{encode(mac)}")) == "no_match"


def test_keys_roll_over_by_their_id():
    old, new = Signer("EdDSA", "old"), Signer("EdDSA", "new")
    unnamed = Signer("EdDSA", None)
    source = generic(jwt(old, new))

    assert rejection(source, BODY, bearer(old.token(FRESH))) is None
    assert rejection(source, BODY, bearer(new.token(FRESH))) is None
    assert rejection(generic(jwt(new)), BODY, bearer(old.token(FRESH))) == "unknown_key"
    assert rejection(generic(jwt(unnamed)), BODY, bearer(unnamed.token(FRESH, kid="any"))) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_hash_of_the_body_ties_the_token_to_it(algorithm: str):
    source = source_of(algorithm, header="X-Signature-JWT", body_hash="request_body_sha256")
    headers = {"x-signature-jwt": signer(algorithm).token({"request_body_sha256": HASH})}

    assert rejection(source, BODY, headers) is None
    assert rejection(source, BODY + b" ", headers) == "no_match"
    assert rejection(source, BODY, {"x-signature-jwt": signer(algorithm).token({})}) == "no_match"
    assert rejection(source, BODY, {}) == "missing_header"


def test_a_token_can_be_the_body():
    source = generic({"preset": "kinde", "verify": {"jwks": {"keys": [signer("RS256").jwk]}}, "envelope": {}})
    claims = {"type": "user.deleted", "event_id": "event_1", "event_timestamp": "2026-01-01T00:00:00Z"}
    body = signer("RS256").token({**claims, "data": {"user": {"id": "kp_1"}}}).encode()

    assert rejection(source, body + b"\n", {"content-type": "application/jwt"}) is None
    assert rejection(source, b"x" + body, {}) == "bad_token"
    (event,) = source.parse(Delivery(body))
    assert (event.delivery_id, event.entity and event.entity.id) == ("event_1", "kp_1")


@pytest.mark.parametrize(
    "body", [b"", b"a.b", b"a.b.c.d", b"e30.e30.%", b"e30.W10.AA", b"{}", b"\xff.\xff.\xff"]
)
def test_a_body_that_is_no_token_is_malformed(body: bytes):
    source = generic({"preset": "kinde"})

    with pytest.raises(Malformed):
        source.parse(Delivery(body))
    assert rejection(source_of("EdDSA", **{"in": "body"}), body, {}) == "bad_token"


def test_a_shared_secret_signs_and_verifies():
    options = jwt(algorithms=["HS256"], issuer="me", audience="you")
    del options["verify"]["jwks"]
    source = generic(options, "one", "two")

    headers = source.sign(BODY, NOW)

    assert rejection(source, BODY, headers) is None
    assert rejection(generic(options, "two", "one"), BODY, headers) is None
    assert rejection(generic(options, "three"), BODY, headers) == "no_match"
    assert rejection(source, BODY, headers, NOW + 601 * SECOND) == "too_old"


@pytest.mark.parametrize("changes", [{}, {"in": "body"}])
def test_nobody_can_sign_with_public_keys_or_inside_the_body(changes: dict[str, Any]):
    with pytest.raises(ConfigProblem, match="not sign"):
        source_of("EdDSA", **changes).sign(BODY, NOW)


def test_without_keys_everything_is_rejected():
    options = jwt()
    del options["verify"]["jwks"]

    assert rejection(generic(options), BODY, bearer(signer("EdDSA").token(FRESH))) == "no_secret"


def test_a_key_set_is_read_from_a_file(tmp_path: Path):
    file = tmp_path / "jwks.json"
    file.write_bytes(orjson.dumps({"keys": [signer("ES256").jwk]}))
    options = jwt(jwks_file=str(file))
    del options["verify"]["jwks"]

    assert rejection(generic(options), BODY, bearer(signer("ES256").token(FRESH))) is None


def rsa_key(**changes: Any) -> dict[str, Any]:
    return {**signer("RS256").jwk, **changes}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "holds no signing key"),
        ([rsa_key(use="enc")], "holds no signing key"),
        ([{"kty": "oct", "k": "AAAA"}, {"kty": ["RSA"]}, {}], "holds no signing key"),
        ([rsa_key(n="%")], "broken RSA key"),
        ([rsa_key(n=None)], "broken RSA key"),
        ([rsa_key(e="")], "broken RSA key"),
        ([rsa_key(n=number(2**1023 + 1))], "fewer than 2048 bits"),
        ([{"kty": "EC", "crv": "P-384", "x": number(1), "y": number(1)}], "only the curve P-256"),
        ([{"kty": "OKP", "crv": "Ed448", "x": number(1)}], "only Ed25519"),
        ("keys", "is no key set"),
        ([7], "is no key set"),
    ],
)
def test_a_key_set_that_cannot_work_is_refused(keys: object, message: str):
    path, told = problem(jwt(jwks={"keys": keys}))

    assert path == ("verify", "jwks")
    assert message in told


def test_a_key_set_must_be_a_table():
    assert "is no key set" in problem(jwt(jwks="https://id.example/jwks"))[1]


@pytest.mark.parametrize(("content", "message"), [(None, "cannot be read"), (b"{", "is not JSON")])
def test_a_file_that_is_no_key_set_is_refused(tmp_path: Path, content: bytes | None, message: str):
    file = tmp_path / "jwks.json"
    if content:
        file.write_bytes(content)
    options = jwt(jwks_file=str(file))
    del options["verify"]["jwks"]

    path, told = problem(options)

    assert path == ("verify", "jwks_file")
    assert message in told


def test_algorithms_that_are_not_supported_are_refused():
    path, told = problem(jwt(algorithms=["none"]))

    assert path == ("verify", "algorithms")
    assert "RS256, ES256, EdDSA, HS256" in told
