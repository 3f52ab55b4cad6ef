"""Tokens and static headers: RS256 as Lago and Keycloak use it, secrets that a header repeats.

PyJWT, with which such tokens are made elsewhere, is the oracle.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from unkey_sync_connectors.base import ConfigProblem, Delivery, Rejected
from unkey_sync_connectors.credentials import HeaderSecrets
from unkey_sync_connectors.jose import pem_key, read_token

from tests.unit.connectors.natives import native
from tests.unit.connectors.support import NOW, SECOND

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Connector

NOW_S = NOW // SECOND
UNSIGNED: Any = object()


@cache
def private_key(owner: str = "vendor") -> rsa.RSAPrivateKey:
    """One key per owner: making one takes long."""
    del owner
    return rsa.generate_private_key(65_537, 2_048)


def public_pem(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def token(claims: dict[str, Any], algorithm: str = "RS256", key: Any = None) -> str:
    signer: Any = None if key is UNSIGNED else key or private_key()
    return jwt.encode(claims, signer, algorithm)


@settings(max_examples=20)
@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20)))
def test_what_pyjwt_signs_we_read(claims: dict[str, str]):
    claims = {name: value for name, value in claims.items() if name not in ("iss", "sub")}

    found = read_token(token(claims).encode(), [pem_key(public_pem(private_key()))])

    assert found == claims


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: token({"a": 1}, "none", UNSIGNED), "bad_algorithm"),
        (lambda: jwt.encode({"a": 1}, "k" * 64, "HS256"), "bad_algorithm"),
        (lambda: token({"a": 1}, "RS512"), "bad_algorithm"),
        (
            lambda: jwt.encode({"a": 1}, private_key(), "RS256", {"crit": ["b64"], "b64": True}),
            "bad_algorithm",
        ),
        (lambda: token({"a": 1}, key=private_key("stranger")), "no_match"),
        (lambda: token({"a": 1})[:-8] + "AAAAAAAA", "no_match"),
        (lambda: "a.b", "bad_token"),
        (lambda: "ä.b.c", "bad_token"),
        (lambda: "!.b.c", "bad_token"),
        (lambda: base64.b64encode(b"[]").decode() + ".b.c", "bad_token"),
    ],
)
def test_other_tokens_are_rejected(made: Any, reason: str):
    with pytest.raises(Rejected) as caught:
        read_token(made().encode(), [pem_key(public_pem(private_key()))])

    assert caught.value.reason == reason


def test_a_public_key_used_as_an_hmac_secret_proves_nothing():
    pem = public_pem(private_key()).encode()
    signed = ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"HS256"}', b"{}")
    )
    mac = base64.urlsafe_b64encode(hashlib.sha256(pem + signed.encode()).digest()).decode().rstrip("=")

    with pytest.raises(Rejected, match="bad_algorithm"):
        read_token(f"{signed}.{mac}".encode(), [pem_key(pem.decode())])


def test_a_key_may_be_a_pem_or_a_pem_in_base64():
    pem = public_pem(private_key())

    for secret in (pem, base64.b64encode(pem.encode()).decode()):
        assert read_token(token({"a": 1}).encode(), [pem_key(secret)]) == {"a": 1}


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN PUBLIC KEY-----\nnothing",
        "LS0tLS1CRUdJTi!",
        public_pem(ec.generate_private_key(ec.SECP256R1())),
        public_pem(rsa.generate_private_key(65_537, 1_024)),  # noqa: S505  -- too short on purpose
    ],
)
def test_a_key_that_cannot_work_is_found_at_start_up(secret: str):
    for kind in ("lago", "keycloak"):
        with pytest.raises(ConfigProblem, match="public key"):
            native(kind, secrets=(secret,))


def lago(*secrets: str) -> Connector:
    return native("lago", secrets=secrets or (public_pem(private_key()),))


def lago_delivery(body: bytes, data: Any, **headers: str) -> Delivery:
    signed = token({"data": data, "iss": "https://api.example.com"})
    return Delivery(body, {"x-lago-signature": signed, "x-lago-signature-algorithm": "jwt", **headers})


@pytest.mark.parametrize("body", [b'{"a":1,"b":"<&>"}', b'{"b":"\\u003c\\u0026\\u003e", "a":1}'])
def test_a_lago_token_speaks_for_a_body_that_says_the_same(body: bytes):
    lago().verify(lago_delivery(body, '{"a":1,"b":"<&>"}'), NOW)


@pytest.mark.parametrize(
    ("body", "data"),
    [(b'{"a":2}', '{"a":1}'), (b'{"a":true}', '{"a":1}'), (b"x", '{"a":1}'), (b'{"a":1}', None), (b"{}", {})],
)
def test_a_lago_token_for_another_body_is_rejected(body: bytes, data: Any):
    with pytest.raises(Rejected):
        lago().verify(lago_delivery(body, data), NOW)


def test_a_lago_body_nested_too_deeply_to_be_compared_is_rejected():
    deep = b'{"a":' + b"[" * 600 + b"]" * 600 + b"}"

    with pytest.raises(Rejected, match="no_match"):
        lago().verify(lago_delivery(deep + b" ", deep.decode()), NOW)


def test_lagos_request_never_chooses_the_algorithm():
    pem = public_pem(private_key())
    by_hmac = native("lago", secrets=(pem, "k"))
    forged = native("lago").sign(b"{}", NOW)

    with pytest.raises(Rejected, match="bad_token"):
        lago().verify(Delivery(b"{}", forged), NOW)
    with pytest.raises(Rejected, match="missing_header"):
        lago().verify(Delivery(b"{}", {}), NOW)
    with pytest.raises(Rejected, match="no_match"):
        native("lago").verify(lago_delivery(b"{}", "{}"), NOW)
    by_hmac.verify(Delivery(b"{}", native("lago", secrets=("k",)).sign(b"{}", NOW)), NOW)
    by_hmac.verify(lago_delivery(b"{}", "{}"), NOW)


def test_with_a_public_key_alone_nobody_but_lago_can_sign():
    with pytest.raises(ConfigProblem, match="only Lago"):
        lago().sign(b"{}", NOW)


def keycloak_delivery(body: bytes, **claims: Any) -> Delivery:
    usual = {
        "iss": "https://id.example.com/realms/acme",
        "iat": NOW_S,
        "exp": NOW_S + 300,
        "request_body_sha256": hashlib.sha256(body).hexdigest(),
    }
    given_claims = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return Delivery(body, {"authorization": f"Bearer {token(given_claims)}"})


def test_a_keycloak_token_of_the_realm_is_accepted():
    pem = public_pem(private_key())

    native("keycloak", secrets=(pem,), account="acme").verify(keycloak_delivery(b"{}"), NOW)
    native("keycloak", secrets=(pem,)).verify(keycloak_delivery(b"{}"), NOW)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"request_body_sha256": hashlib.sha256(b"x").hexdigest()}, "no_match"),
        ({"request_body_sha256": None}, "bad_token"),
        ({"exp": NOW_S - 301}, "too_old"),
        ({"iat": NOW_S + 301}, "too_new"),
        ({"iss": "https://id.example.com/realms/other"}, "no_match"),
        ({"iss": "https://id.example.com/realms/notacme"}, "no_match"),
    ],
)
def test_other_keycloak_tokens_are_rejected(claims: dict[str, Any], reason: str):
    connector = native("keycloak", secrets=(public_pem(private_key()),), account="acme")

    with pytest.raises(Rejected) as caught:
        connector.verify(keycloak_delivery(b"{}", **claims), NOW)

    assert caught.value.reason == reason


def test_keycloaks_sha_1_is_off_unless_asked_for():
    old = native("keycloak", secrets=("sha1:kc_unit",))
    headers = old.sign(b"{}", NOW)

    old.verify(Delivery(b"{}", headers), NOW)
    with pytest.raises(Rejected, match="no_match"):
        native("keycloak").verify(Delivery(b"{}", headers), NOW)


def test_keycloaks_sender_by_basic_auth_is_known_by_its_header():
    connector = native("keycloak", secrets=("Basic dTpw",))
    headers = connector.sign(b"{}", NOW)

    connector.verify(Delivery(b"{}", headers), NOW)

    assert headers == {"authorization": "Basic dTpw"}
    with pytest.raises(Rejected, match="no_match"):
        connector.verify(Delivery(b"{}", {"authorization": "Basic eDp5"}), NOW)


@pytest.mark.parametrize(
    ("secret", "headers"),
    [
        ("token-1", {"authorization": "Bearer token-1"}),
        ("token-1", {"authorization": "token-1"}),
        ("user:pass", {"authorization": "Basic dXNlcjpwYXNz"}),
        ("Basic dXNlcjpwYXNz", {"authorization": "Basic dXNlcjpwYXNz"}),
        ("X-Acme-Token: token 1", {"x-acme-token": "token 1"}),
    ],
)
def test_a_static_secret_is_accepted_in_the_forms_that_vendors_send(secret: str, headers: dict[str, str]):
    HeaderSecrets(secrets=("other", secret)).verify(Delivery(b"", headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer token-"},
        {"authorization": "Bearer token-11"},
        {"authorization": "Bearer " + "x" * 10_000},
        {"authorization": "bearertoken-1"},
        {"authorization": "ä"},
    ],
)
def test_a_static_secret_of_another_length_or_form_is_rejected(headers: dict[str, str]):
    with pytest.raises(Rejected, match="no_match"):
        HeaderSecrets(secrets=("token-1",)).verify(Delivery(b"", headers))


def test_a_static_secret_that_is_not_sent_is_missing():
    with pytest.raises(Rejected, match="missing_header: x-acme-token"):
        HeaderSecrets(secrets=("X-Acme-Token: token",)).verify(Delivery(b"", {"authorization": "token"}))


def test_a_vendor_may_use_a_header_of_its_own_only():
    secrets = HeaderSecrets(secrets=("token-1",), headers=("x-token",))

    secrets.verify(Delivery(b"", {"x-token": "token-1"}))

    with pytest.raises(Rejected, match="missing_header"):
        secrets.verify(Delivery(b"", {"authorization": "token-1"}))


@pytest.mark.parametrize("secret", ["", " ", "ä", "a\nb"])
def test_a_static_secret_that_no_header_can_carry_is_found_at_start_up(secret: str):
    for kind in ("auth0", "okta", "supabase"):
        with pytest.raises(ConfigProblem, match="secret 1"):
            native(kind, secrets=(secret,))


def test_without_a_static_secret_nothing_can_be_signed():
    with pytest.raises(ConfigProblem, match="no webhook secret"):
        native("auth0", secrets=()).sign(b"", NOW)


def test_supabases_database_webhook_may_use_a_header_of_its_own():
    connector = native("supabase")

    connector.verify(Delivery(b"{}", {"x-webhook-secret": connector.config.secrets[0]}), NOW)


def test_supabases_hook_secret_survives_being_split_at_its_comma():
    whole = native("supabase", secrets=("v1,whsec_c3VwYWJhc2U=",))
    split = native("supabase", secrets=("v1", "whsec_c3VwYWJhc2U=", "static-token"))
    headers = whole.sign(b"{}", NOW)

    split.verify(Delivery(b"{}", headers), NOW)
    split.verify(Delivery(b"{}", {"authorization": "Bearer static-token"}), NOW)

    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    with pytest.raises(Rejected, match="missing_header"):
        whole.verify(Delivery(b"{}", {"authorization": "Bearer static-token"}), NOW)


def test_oktas_challenge_is_repeated_to_who_knows_the_secret():
    connector: Any = native("okta")
    asked = {"x-okta-verification-challenge": "q-1", "authorization": connector.config.secrets[0]}

    answer = connector.challenge(Delivery(b"", asked))

    assert (answer.status, orjson.loads(answer.body)) == (200, {"verification": "q-1"})
    assert answer.headers["content-type"] == "application/json"
    assert connector.challenge(Delivery(b"", {})) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"x-okta-verification-challenge": "q"},
        {"x-okta-verification-challenge": "q", "authorization": "wrong"},
        {"x-okta-verification-challenge": "q" * 257, "authorization": "okta-unit-token"},
        {"x-okta-verification-challenge": "ä", "authorization": "okta-unit-token"},
    ],
)
def test_other_challenges_are_rejected(headers: dict[str, str]):
    connector: Any = native("okta")

    with pytest.raises(Rejected):
        connector.challenge(Delivery(b"", headers))
