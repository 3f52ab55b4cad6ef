"""Proofs: published vectors, rotation, replay, forgery, and configurations that could prove nothing."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from unkey_sync_connectors.base import ConfigProblem

from tests.unit.connectors.generic.support import (
    AT,
    BODY,
    NOW,
    SECOND,
    SECRET,
    cost_s,
    generic,
    problem,
    rejection,
)

PUBLIC = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
V1 = "v1,Wl2bu2hN0Wb32/wNmM5bfOEPIdjMcKrOJ0ZiyJQnebs="
V1A = "v1a,l43s+s8AHU7vNm90KY9iaiDUfn8Lz8DaRcfJpgy4IP8AM/b1cFAF1dW993iingiURayhjZqf6jTx11SiL7QJAw=="
OTHER = "whsec_b3RoZXItdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiEh"
STANDARD = {"preset": "standard-webhooks"}


def webhook(signature: str, **changes: str) -> dict[str, str]:
    headers = {"webhook-id": "msg_test1", "webhook-timestamp": str(AT), "webhook-signature": signature}
    return {**headers, **{f"webhook-{name}": value for name, value in changes.items()}}


def seed_key(*, halves: bool) -> str:
    key = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    raw = b"s" * 32 + (key.public_key().public_bytes_raw() if halves else b"")
    return "whsk_" + base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("preset", "secret", "headers"),
    [
        ("standard-webhooks", SECRET, webhook(V1)),
        ("standard-webhooks", PUBLIC, webhook(V1A)),
        ("stytch", SECRET, {k.replace("webhook", "svix"): v for k, v in webhook(V1).items()}),
        (
            "zitadel",
            "zitadel_unit",
            {
                "zitadel-signature": (
                    f"t={AT},v1=0c7ad31c7e565a1b6042f40e1696f98db28e6ec3f9549d0d1550027ceb466698"
                )
            },
        ),
        (
            "orb",
            "orb_unit",
            {
                "x-orb-timestamp": "2025-10-09T08:53:20.000",
                "x-orb-signature": ("v1=1ddec33ba5e682554b2b168b2619a6f5f47a37ff41f6053eb2c392f5761db5d2"),
            },
        ),
        (
            "lemon-squeezy",
            "ls_unit",
            {"x-signature": "de15fed9831eba97d2ec8046dd3a677aff70a3f03a476092d16da746512bda7f"},
        ),
    ],
)
def test_a_published_vector_is_accepted_and_no_other_body(preset: str, secret: str, headers: dict[str, str]):
    source = generic({"preset": preset}, secret)

    assert rejection(source, BODY, headers) is None
    assert rejection(source, BODY + b" ", headers) == "no_match"
    assert rejection(source, BODY, {}) == "missing_header"
    assert rejection(generic({"preset": preset}, OTHER), BODY, headers) == "no_match"


@pytest.mark.parametrize("signature", [V1, V1A, f"{V1} {V1A}", f"v1,AAAA {V1A}", f"v1a,x,y {V1}"])
def test_both_versions_and_several_secrets_work_side_by_side(signature: str):
    source = generic(STANDARD, OTHER, SECRET, PUBLIC)

    assert rejection(source, BODY, webhook(signature)) is None


@pytest.mark.parametrize(
    ("secret", "signature"),
    [
        (SECRET, "v1," + V1A.removeprefix("v1a,")),
        (PUBLIC, "v1a," + V1.removeprefix("v1,")),
        (PUBLIC, V1),
        (PUBLIC, "v1a,"),
        (PUBLIC, "v1a,%%%"),
        (SECRET, V1A),
    ],
)
def test_one_version_never_passes_for_the_other(secret: str, signature: str):
    assert rejection(generic(STANDARD, secret), BODY, webhook(signature)) == "no_match"


@pytest.mark.parametrize("secret", [SECRET, PUBLIC])
@pytest.mark.parametrize(
    ("seconds", "reason"), [(299, None), (-299, None), (301, "too_old"), (-301, "too_new")]
)
def test_a_replay_is_refused_in_both_directions(secret: str, seconds: int, reason: str | None):
    source = generic(STANDARD, secret)

    assert rejection(source, BODY, webhook(f"{V1} {V1A}"), NOW + seconds * SECOND) == reason


@pytest.mark.parametrize("secret", [SECRET, PUBLIC])
def test_an_id_with_a_dot_is_refused(secret: str):
    assert rejection(generic(STANDARD, secret), BODY, webhook(V1A, id="a.b")) == "bad_id"


@pytest.mark.parametrize("halves", [False, True])
def test_a_private_key_signs_what_its_public_key_verifies(halves: bool):
    source = generic(STANDARD, seed_key(halves=halves))

    headers = source.sign(BODY, NOW)

    assert headers["webhook-signature"].startswith("v1a,")
    assert rejection(source, BODY, headers) is None
    assert rejection(source, BODY + b"x", headers) == "no_match"


def test_public_keys_cannot_sign():
    with pytest.raises(ConfigProblem, match="verify and not sign"):
        generic(STANDARD, PUBLIC).sign(BODY, NOW)


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("whpk_%%%", "not base64"),
        ("whpk_AAAA", "has not 32 bytes"),
        ("whsk_AAAA", "has not 32 or 64 bytes"),
        ("whsk_" + base64.b64encode(b"x" * 64).decode(), "do not belong together"),
        ("whsec_%%%", "not base64"),
    ],
)
def test_a_key_that_cannot_work_is_refused_at_start_up(secret: str, message: str):
    path, told = problem(STANDARD, secret)

    assert path == ("verify",)
    assert message in told
    assert secret not in told


def hmac(**changes: Any) -> dict[str, Any]:
    return {"verify": {"kind": "hmac", "header": "X-Sign", **changes}}


SCHEMES = [
    hmac(),
    hmac(algorithm="sha1", encoding="base64"),
    hmac(algorithm="sha512", label="sha512"),
    hmac(label="v1", timestamp_label="t", base="{timestamp}.{body}", separator=";"),
    hmac(timestamp_header="x-time", unit="ms", base="{body}:{timestamp}"),
    hmac(timestamp_header="x-time", unit="iso", id_header="x-id", base="v0|{id}|{timestamp}|{body}|end"),
    hmac(key="base64"),
    {"verify": {"kind": "bearer"}},
    {"verify": {"kind": "header", "header": "X-Key"}},
    {"verify": {"kind": "basic"}},
]


@pytest.mark.parametrize("options", SCHEMES)
def test_what_a_scheme_signs_it_accepts_with_every_configured_secret(options: dict[str, Any]):
    old, new = "dXNlcjpvbGQ=:", "dXNlcjpuZXc=:"
    if options["verify"].get("key") == "base64":
        old, new = old.strip(":"), new.strip(":")
    both = generic(options, new, old)

    for secret in (old, new):
        headers = generic(options, secret).sign(BODY, NOW)

        assert rejection(both, BODY, headers) is None
        assert rejection(generic(options, new), BODY, headers) == (None if secret == new else "no_match")


@pytest.mark.parametrize("options", [one for one in SCHEMES if one["verify"]["kind"] == "hmac"])
def test_a_signature_is_of_one_body(options: dict[str, Any]):
    source = generic(options, "c2VjcmV0")
    headers = source.sign(BODY, NOW)

    assert rejection(source, BODY + b" ", headers) == "no_match"
    assert rejection(source, BODY, {name: "0" * len(value) for name, value in headers.items()}) is not None


@pytest.mark.parametrize("options", SCHEMES[3:6])
def test_a_signed_timestamp_is_checked(options: dict[str, Any]):
    source = generic(options, "secret")

    assert rejection(source, BODY, source.sign(BODY, NOW), NOW + 301 * SECOND) == "too_old"


def test_without_a_secret_everything_is_rejected_and_nothing_signed():
    for options in (*SCHEMES, STANDARD):
        bare = generic(options, secrets=())

        assert rejection(bare, BODY, webhook(V1)) == "no_secret"
        with pytest.raises(ConfigProblem):
            bare.sign(BODY, NOW)


@pytest.mark.parametrize(
    ("options", "headers", "reason"),
    [
        (SCHEMES[7], {"authorization": "Basic dG9rZW4="}, "bad_header"),
        (SCHEMES[7], {"authorization": "Bearer other"}, "no_match"),
        (SCHEMES[7], {"authorization": "Bearer"}, "no_match"),
        (SCHEMES[7], {"authorization": "bearer user:token"}, None),
        (SCHEMES[7], {"authorization": "x" * 10_000}, "header_too_long"),
        (SCHEMES[7], {"authorization": "Bearer t\xf6ken"}, "bad_header"),
        (SCHEMES[8], {"x-key": "user:token"}, None),
        (SCHEMES[8], {"x-key": "user:tokem"}, "no_match"),
        (SCHEMES[9], {"authorization": "Basic dXNlcjp0b2tlbg=="}, None),
        (SCHEMES[9], {"authorization": "Basic dXNlcjp0b2tlbQ=="}, "no_match"),
        (SCHEMES[9], {"authorization": "Basic %%%"}, "bad_header"),
    ],
)
def test_a_secret_that_is_sent_must_be_the_configured_one(options: Any, headers: Any, reason: str | None):
    assert rejection(generic(options, "user:token"), BODY, headers) == reason


@pytest.mark.parametrize(
    ("options", "secret", "path", "message"),
    [
        ({"verify": {}}, "s", ("verify", "kind"), "is required"),
        ({"verify": {"kind": "hmca"}}, "s", ("verify", "kind"), "must be one of basic"),
        ({"verify": {"kind": "bearer", "header": "x"}}, "s", ("verify", "header"), "unknown key"),
        ({"verify": {"kind": "hmac"}}, "s", ("verify", "header"), "is required"),
        (hmac(header="a b"), "s", ("verify", "header"), "is no header name"),
        (hmac(algorithm="md5"), "s", ("verify", "algorithm"), "must be one of sha1"),
        (hmac(encoding="utf"), "s", ("verify", "encoding"), "must be one of base64, hex"),
        (hmac(base="{body}{timestamp}"), "s", ("verify", "base"), "must name each of body once"),
        (hmac(base="{body}{body}"), "s", ("verify", "base"), "must name each of body once"),
        (hmac(timestamp_header="x-t"), "s", ("verify", "base"), "must name each of body, timestamp once"),
        (hmac(id_header="x-i"), "s", ("verify", "base"), "must name each of body, id once"),
        (hmac(timestamp_header="x-t", base="{timestamp}{body}"), "s", ("verify", "base"), "separator"),
        (hmac(timestamp_label="t", base="{timestamp}.{body}"), "s", ("verify", "timestamp_label"), "label"),
        (hmac(key="base64"), "%%%", ("verify",), "is not base64"),
        (hmac(), " ", ("verify",), "is empty"),
        (SCHEMES[7], " ", ("verify",), "is empty"),
        (SCHEMES[8], "a\nb", ("verify",), "not printable"),
        (SCHEMES[9], "token", ("verify",), "user:password"),
        (hmac(base="x" * 2_000), "s", ("verify", "base"), "at most 1000 characters"),
    ],
)
def test_a_scheme_that_could_prove_nothing_is_refused(options: Any, secret: str, path: Any, message: str):
    found, told = problem(options, secret)

    assert found == path
    assert message in told


@pytest.mark.parametrize("secret", [SECRET, PUBLIC])
def test_a_flood_of_signatures_costs_little(secret: str):
    source = generic(STANDARD, *[secret] * 4)
    forged = "v1a," + "A" * 86 + "=="
    flood = webhook(" ".join([forged, "v1,AAAA"] * 80))

    assert rejection(source, BODY, flood) == "no_match"
    assert rejection(source, BODY, webhook("v1a,AAAA " * 10_000)) == "header_too_long"
    assert cost_s(lambda: rejection(source, BODY, flood)) < 0.05


def test_nothing_that_a_source_says_of_itself_holds_a_secret():
    for options in (*SCHEMES[:7], STANDARD):
        source = generic(options, "c2VjcmV0Y2FuYXJ5")

        assert "c2VjcmV0Y2FuYXJ5" not in repr(vars(source)) + repr(source.config)


@pytest.mark.parametrize(
    ("preset", "header", "between"), [("orb", "x-orb-signature", " "), ("zitadel", "zitadel-signature", ",")]
)
def test_while_a_vendor_rolls_its_secret_over_either_signature_counts(preset: str, header: str, between: str):
    old, new = generic({"preset": preset}, "old"), generic({"preset": preset}, "new")
    both = dict(old.sign(BODY, NOW))
    both[header] += f"{between}v1={new.sign(BODY, NOW)[header].rpartition('v1=')[2]}"

    assert [rejection(source, BODY, both) for source in (old, new)] == [None, None]
    assert rejection(generic({"preset": preset}, "third"), BODY, both) == "no_match"
