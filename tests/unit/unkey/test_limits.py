"""What is refused or put right before a request leaves. A refusal names the field and never the value."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from unkey_sync.errors import Park
from unkey_sync.model import RateLimit
from unkey_sync.unkey import Credits, ImportedKey, KeyPatch, NewKey, Refill, bodies, limits

API = "api_12345678"


def new_key(**fields: Any) -> dict[str, Any]:
    return bodies.new_key(NewKey(external_id="user_1", **fields), API)


def test_a_new_key_is_disabled_and_carries_only_what_was_given() -> None:
    body = new_key()

    assert body == {"apiId": API, "externalId": "user_1", "enabled": False}


def test_a_full_new_key_is_written_in_unkeys_words() -> None:
    body = new_key(
        enabled=True,
        name="n",
        prefix="acme",
        byte_length=32,
        meta={"sync": {"op": "1"}},
        roles=["pro"],
        permissions=["a.read"],
        ratelimits=[RateLimit("requests", 10, 60_000, True)],
        expires=5,
        credits=Credits(1, Refill("daily", 2, 9)),
    )

    assert body == {
        "apiId": API,
        "externalId": "user_1",
        "enabled": True,
        "name": "n",
        "prefix": "acme",
        "byteLength": 32,
        "meta": {"sync": {"op": "1"}},
        "roles": ["pro"],
        "permissions": ["a.read"],
        "ratelimits": [{"name": "requests", "limit": 10, "duration": 60_000, "autoApply": True}],
        "expires": 5,
        "credits": {"remaining": 1, "refill": {"interval": "daily", "amount": 2}},
    }


def test_a_patch_leaves_out_what_is_kept_and_sends_null_for_what_is_cleared() -> None:
    assert bodies.key_patch("key_1", KeyPatch()) == {"keyId": "key_1"}
    assert bodies.key_patch("key_1", KeyPatch(credits=None, meta=None, roles=[], enabled=False)) == {
        "keyId": "key_1",
        "credits": None,
        "meta": None,
        "roles": [],
        "enabled": False,
    }


def test_an_updated_quota_says_aloud_that_it_has_no_refill() -> None:
    body = bodies.key_patch("key_1", KeyPatch(credits=Credits(7)))

    assert body["credits"] == {"remaining": 7, "refill": None}


def test_a_first_quota_leaves_the_missing_refill_out() -> None:
    assert new_key(credits=Credits(7))["credits"] == {"remaining": 7}


def test_names_that_unkey_takes_for_one_are_sent_once() -> None:
    assert limits.role_names("roles", ["Pro", "pro", "Älter", "alter"]) == ["Pro", "Älter"]
    assert limits.slugs("permissions", ["a.read", "A.READ", "b"]) == ["a.read", "b"]


def test_equal_limits_are_sent_once_and_in_one_order() -> None:
    one, two = RateLimit("bbb", 1, 1000, True), RateLimit("aaa", 1, 1000, False)

    sent = limits.ratelimits("ratelimits", [one, two, one])

    assert [limit["name"] for limit in sent] == ["aaa", "bbb"]
    assert [limit["autoApply"] for limit in sent] == [False, True]


@pytest.mark.parametrize(
    ("field", "refused"),
    [
        ("externalId", lambda: bodies.key_patch("key_1", KeyPatch(external_id="jane@example.com"))),
        ("keyId", lambda: bodies.key_patch("key-1", KeyPatch())),
        ("apiId", lambda: bodies.new_key(NewKey(external_id="u"), "")),
        ("name", lambda: new_key(name="")),
        ("name", lambda: new_key(name="n" * 256)),
        ("prefix", lambda: new_key(prefix="no-dash")),
        ("byteLength", lambda: new_key(byte_length=8)),
        ("expires", lambda: new_key(expires=-1)),
        ("roles", lambda: new_key(roles=["r" * 129])),
        ("roles", lambda: new_key(roles=[f"role{number}" for number in range(101)])),
        ("permissions", lambda: new_key(permissions=["with blank"])),
        ("ratelimits.name", lambda: new_key(ratelimits=[RateLimit("ab", 1, 1000, True)])),
        ("ratelimits.limit", lambda: new_key(ratelimits=[RateLimit("abc", 0, 1000, True)])),
        ("ratelimits.duration", lambda: new_key(ratelimits=[RateLimit("abc", 1, 999, True)])),
        ("ratelimits", lambda: new_key(ratelimits=[RateLimit("abc", n, 1000, True) for n in (1, 2)])),
        ("ratelimits", lambda: new_key(ratelimits=[RateLimit(f"n{n:03}", 1, 1000, True) for n in range(51)])),
        ("credits.remaining", lambda: new_key(credits=Credits(-1))),
        ("credits.refill.amount", lambda: new_key(credits=Credits(1, Refill("daily", 0)))),
        ("credits.refill.day", lambda: new_key(credits=Credits(1, Refill("monthly", 1)))),
        ("credits.refill.day", lambda: new_key(credits=Credits(1, Refill("monthly", 1, 32)))),
        ("hash", lambda: bodies.imported_key(ImportedKey(hash="", key=NewKey(external_id="u")))),
    ],
)
def test_a_value_that_unkey_would_refuse_parks_the_subject(field: str, refused: Any) -> None:
    with pytest.raises(Park) as caught:
        refused()

    assert str(caught.value).startswith(field + " ")
    assert "jane" not in str(caught.value)


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("field", "meta"),
    [
        ("meta.a.b", {"a": {"b": 2**53 + 1}}),
        ("meta.a[]", {"a": [1, -(2**53) - 1]}),
        ("meta.a", {"a": float("nan")}),
        ("meta.a", {"a": float("inf")}),
        ("meta", {str(number): 1 for number in range(101)}),
        ("meta", {"a": "x" * 65_535}),
        ("meta", {"a": "<" * 11_000}),
        ("meta", {"a": "\u2028" * 11_000}),
        ("meta", {"a": object()}),
        ("meta", {"a": "\ud800"}),
        ("meta", {1: "number as a name"}),
    ],
    ids=range(11),
)
def test_meta_that_unkey_would_bend_or_refuse_parks_the_subject(field: str, meta: dict[str, Any]) -> None:
    with pytest.raises(Park) as caught:
        limits.key_meta(meta)

    assert str(caught.value).startswith(field + " ")


def test_meta_nested_beyond_reason_parks_the_subject() -> None:
    with pytest.raises(Park, match="nested too deeply"):
        limits.key_meta(nested(40))


def test_meta_at_the_edge_passes_unchanged() -> None:
    meta = {"n": 2**53, "t": "x" * 65_000, "flag": True, "none": None, "list": [1.5]}

    assert limits.key_meta(meta) == meta


def test_a_large_identity_meta_is_sent_with_a_warning_that_quotes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits.identity_meta({"a": "canary" * 2000})

    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(messages) == 1
    assert "canary" not in messages[0]
    with pytest.raises(Park):
        limits.identity_meta({"a": "x" * 1_048_576})
