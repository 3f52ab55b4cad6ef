"""keys.verifyKey: codes, their order, limits and credits."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tests.sandbox.client import Unkey, limit

HOUR = 3_600_000


@pytest.fixture(autouse=True)
def still_clock(unkey: Unkey) -> None:
    """Windows of an hour must not end within a test."""
    unkey.sandbox.clock(tick=False)


@pytest.mark.parametrize(("body", "asked", "code"), [
    ({}, {}, "VALID"),
    ({"enabled": False, "expires": 1}, {}, "DISABLED"),
    ({"expires": 1, "credits": {"remaining": 0}}, {"permissions": "x.y"}, "EXPIRED"),
    ({"credits": {"remaining": 0}, "ratelimits": [limit("one", 1, HOUR)]}, {"permissions": "x.y"},
     "INSUFFICIENT_PERMISSIONS"),
    ({"credits": {"remaining": 0}}, {}, "USAGE_EXCEEDED"),
    ({"credits": {"remaining": 0}}, {"credits": {"cost": 0}}, "VALID"),
    ({"credits": {"remaining": 2}}, {"credits": {"cost": 3}}, "USAGE_EXCEEDED"),
])  # fmt: skip
def test_the_first_check_that_fails_gives_the_code(
    unkey: Unkey, body: dict[str, Any], asked: dict[str, Any], code: str
):
    answer = unkey.verified(unkey.key(**body), **asked)

    assert (answer["code"], answer["valid"]) == (code, code == "VALID")


def test_a_spent_limit_wins_over_missing_credits_and_takes_none(unkey: Unkey):
    key = unkey.key(credits={"remaining": 5}, ratelimits=[limit("one", 1, HOUR)])

    answers = [unkey.verified(key) for _ in range(2)]

    assert [(answer["code"], answer["credits"]) for answer in answers] == [("VALID", 4), ("RATE_LIMITED", 4)]
    assert unkey.shown(key)["credits"]["remaining"] == 4


def test_a_key_without_credits_still_uses_up_its_limit(unkey: Unkey):
    key = unkey.key(credits={"remaining": 0}, ratelimits=[limit("one", 1, HOUR)])

    codes = [unkey.verified(key)["code"] for _ in range(2)]

    assert codes == ["USAGE_EXCEEDED", "RATE_LIMITED"]


def test_a_key_limit_hides_the_identity_limit_of_its_name(unkey: Unkey):
    unkey.ok(
        "identities.createIdentity",
        {"externalId": "u", "ratelimits": [limit("same", 1, HOUR), limit("other", 9, HOUR)]},
    )
    key = unkey.key(externalId="u", ratelimits=[limit("same", 5, HOUR)])

    answer = unkey.verified(key)

    assert {entry["name"]: entry["limit"] for entry in answer["ratelimits"]} == {"same": 5, "other": 9}
    assert [entry["name"] for entry in answer["identity"]["ratelimits"]] == ["other"]


def test_keys_of_one_identity_share_its_limits(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u", "ratelimits": [limit("rps", 2, HOUR)]})
    keys = [unkey.key(externalId="u") for _ in range(3)]

    assert [unkey.verified(key)["code"] for key in keys] == ["VALID", "VALID", "RATE_LIMITED"]


def test_of_several_limits_either_all_count_or_none(unkey: Unkey):
    key = unkey.key(ratelimits=[limit("small", 1, HOUR), limit("large", 10, HOUR)])
    unkey.verified(key)

    answer = unkey.verified(key)

    left = {entry["name"]: (entry["exceeded"], entry["remaining"]) for entry in answer["ratelimits"]}
    assert left == {"small": (True, 0), "large": (False, 9)}


def test_a_limit_that_is_not_applied_by_itself_is_charged_by_name_and_cost(unkey: Unkey):
    key = unkey.key(ratelimits=[limit("heavy", 10, HOUR, auto=False)])

    unasked = unkey.verified(key)
    asked = unkey.verified(key, ratelimits=[{"name": "heavy", "cost": 4}])

    assert "ratelimits" not in unasked
    assert asked["ratelimits"][0]["remaining"] == 6


def test_a_custom_limit_counts_on_the_key_and_has_no_id(unkey: Unkey):
    key = unkey.key()

    answer = unkey.verified(key, ratelimits=[{"name": "custom", "limit": 2, "duration": HOUR}])

    assert answer["ratelimits"][0] | {"reset": 0} == {
        "id": "", "name": "custom", "limit": 2, "duration": HOUR, "autoApply": False,
        "exceeded": False, "remaining": 1, "reset": 0,
    }  # fmt: skip


def test_an_unknown_named_limit_is_a_412_that_names_the_owner(unkey: Unkey):
    lone, owned = unkey.key(), unkey.key(externalId="u")

    refusals = [
        unkey.refused("keys.verifyKey", {"key": key["key"], "ratelimits": [{"name": "zzz"}]})
        for key in (lone, owned)
    ]

    assert [refusal.status for refusal in refusals] == [412, 412]
    assert refusals[1].detail.endswith("external ID: 'u'")


QUERIES: list[tuple[str, bool]] = [
    ("a.x", True),
    ("b.x", False),
    ("b.x OR a.x", True),
    ("a.x and b.x", False),
    ("b.x AND b.x OR a.x", True),
    ("b.x AND (b.x OR a.x)", False),
    ("a.*", False),
    ("or.x OR a.x", True),
]


@pytest.mark.parametrize(("query", "holds"), QUERIES)
def test_a_permission_query_is_evaluated(unkey: Unkey, query: str, holds: bool):
    answer = unkey.verified(unkey.key(permissions=["a.x"]), permissions=query)

    assert answer["valid"] is holds


BROKEN: list[tuple[str, str]] = [
    ("a AND", "Unexpected end of query. Expected a permission identifier or opening parenthesis."),
    (" ", "Unexpected end of input. Please provide a valid permission query."),
    ("AND a", "Unexpected token 'AND' at position 0. "
     "Expected a permission identifier or opening parenthesis."),
    ("a AND ()", "Empty parentheses found at position 7. "
     "Parentheses must contain at least one permission or expression."),
    ("(a AND b", "Missing closing parenthesis ')' at position 8. "
     "Every opening parenthesis must have a matching closing parenthesis."),
    ("a b", "Unexpected token 'b' at position 2. "
     "The query appears to have extra content after a valid expression."),
    ("a AND @", ""),
]  # fmt: skip


@pytest.mark.parametrize(("query", "detail"), BROKEN)
@pytest.mark.parametrize("enabled", [True, False])
def test_a_broken_query_is_a_400_whatever_the_key(unkey: Unkey, query: str, detail: str, enabled: bool):
    key = unkey.key(enabled=enabled)

    refusal = unkey.refused("keys.verifyKey", {"key": key["key"], "permissions": query})

    assert (refusal.kind, refusal.detail) == ("user/bad_request/permissions_query_syntax_error", detail)


@pytest.mark.parametrize("root_key", ["none", "other_ws", "worker"])
def test_a_stranger_finds_no_key(unkey: Unkey, root_key: str):
    key = unkey.key()

    assert unkey.ok("keys.verifyKey", {"key": key["key"]}, root_key) == {"valid": False, "code": "NOT_FOUND"}


def test_limits_come_back_with_time(unkey: Unkey):
    key = unkey.key(ratelimits=[limit("one", 1, 60_000)])
    codes = [unkey.verified(key)["code"] for _ in range(2)]

    unkey.sandbox.advance(120)

    assert [*codes, unkey.verified(key)["code"]] == ["VALID", "RATE_LIMITED", "VALID"]


def test_a_valid_answer_shows_everything_about_the_key(unkey: Unkey):
    unkey.ok("permissions.createRole", {"name": "R", "permissions": ["via.role"]})
    key = unkey.key(
        name="n", externalId="u", meta={"a": 1}, roles=["R"], permissions=["own.x"], credits={"remaining": 3}
    )

    answer: dict[str, Any] = unkey.verified(key)

    assert answer["credits"] == 2
    assert set(answer["permissions"]) == {"via.role", "own.x"}
    assert (answer["name"], answer["roles"], answer["meta"]) == ("n", ["R"], {"a": 1})
    assert answer["identity"]["externalId"] == "u"


def test_a_key_with_a_foreign_hash_gets_ours_at_its_first_use(unkey: Unkey):
    migration = unkey.sandbox.migrations["prefixed"]
    body = {"migrationId": migration, "apiId": unkey.api(), "keys": [{"hash": sha256(b"long").hexdigest()}]}
    unkey.ok("keys.migrateKeys", body)
    key = {"key": "my_company_short_long"}

    unknown = unkey.verified(key)["code"]
    first = unkey.verified(key, migrationId=migration)
    second = unkey.verified(key)

    assert (unknown, first["code"], second["code"]) == ("NOT_FOUND", "VALID", "VALID")
    assert unkey.ok("keys.whoami", key)["start"] == "my_company_shor"


@pytest.mark.parametrize("migration", ["migration_sha256", None])
def test_a_migration_that_cannot_help_changes_nothing(unkey: Unkey, migration: str | None):
    migration_id = unkey.sandbox.migrations[migration] if migration else "mig_nobody"

    answer = unkey.ok("keys.verifyKey", {"key": "a_b_c", "migrationId": migration_id})

    assert answer == {"valid": False, "code": "NOT_FOUND"}


def test_a_key_of_a_wrong_form_is_malformed_for_a_migration(unkey: Unkey):
    body = {"key": "no-parts", "migrationId": unkey.sandbox.migrations["prefixed"]}

    assert unkey.refused("keys.verifyKey", body).kind == "unkey/authentication/malformed"


def test_a_custom_limit_that_cannot_be_counted_lets_the_call_pass(unkey: Unkey):
    answer = unkey.verified(unkey.key(), ratelimits=[{"name": "custom", "limit": 1, "duration": 10}])

    assert answer["valid"] is True
    assert "ratelimits" not in answer
