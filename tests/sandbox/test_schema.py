"""Where the validator says that something is wrong. Locations are schema locations, one finding per violation."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync.sandbox.operations import OPERATIONS
from unkey_sync.sandbox.schema.requests import CHECKS
from unkey_sync.sandbox.schema.shapes import Report

from tests.sandbox.client import Unkey, limit

NEVER = {"interval": "never", "amount": 0}
CASES: list[tuple[str, Any, set[str]]] = [
    ("keys.createKey", [], {"/type"}),
    ("keys.createKey", {}, {"/required"}),
    ("keys.createKey", {"apiId": "api_x", "bogus": 1}, {"/additionalProperties"}),
    ("keys.createKey", {"apiId": "", "bogus": 1}, {
        "/properties/apiId/minLength", "/properties/apiId/pattern", "/additionalProperties",
    }),
    ("keys.createKey", {"apiId": "api_x", "expires": 4_102_444_800_001}, {"/properties/expires/maximum"}),
    ("keys.createKey", {"apiId": "api_x", "expires": True}, {"/properties/expires/type"}),
    ("keys.createKey", {"apiId": "api_x", "credits": 5}, {"/properties/credits/allOf/1/type"}),
    ("keys.createKey", {"apiId": "api_x", "credits": {"remaining": 1, "refill": NEVER}}, {
        "/properties/credits/allOf/1/properties/refill/allOf/1/properties/interval/enum",
        "/properties/credits/allOf/1/properties/refill/allOf/1/properties/amount/minimum",
    }),
    ("keys.updateKey", {"keyId": "key_1", "credits": {"refill": {"interval": "daily"}}}, {
        "/properties/credits/allOf/1/properties/refill/required",
    }),
    ("keys.updateKey", {"keyId": "key_1", "enabled": None}, {"/properties/enabled/type"}),
    ("keys.migrateKeys", {"migrationId": "mig", "apiId": "api", "keys": []}, {"/properties/keys/minItems"}),
    ("keys.migrateKeys", {"migrationId": "mig", "apiId": "api", "keys": [{"hash": "x"}]}, {
        "/properties/keys/items/properties/hash/minLength",
    }),
    ("keys.migrateKeys", {"migrationId": "mig", "apiId": "api", "keys": [{"hash": "xyz", "credits": {}}]}, {
        "/properties/keys/items/properties/credits/allOf/1/required",
    }),
    ("keys.verifyKey", {"key": "k", "credits": {}}, {"/properties/credits/required"}),
    ("keys.verifyKey", {"key": "k", "ratelimits": [{"name": "ab"}]}, {
        "/properties/ratelimits/items/properties/name/minLength",
    }),
    ("permissions.setRolePermissions", {"roleId": "a b", "permissions": []}, {
        "/properties/roleId/allOf/1/pattern",
    }),
    ("ratelimit.multiLimit", {}, {"/type"}),
    ("ratelimit.multiLimit", [], {"/minItems"}),
    ("ratelimit.multiLimit", [{"namespace": "n", "identifier": "i", "limit": 0, "duration": 1000}], {
        "/items/properties/limit/minimum",
    }),
    ("identities.createIdentity", {"externalId": "nl\n"}, {"/properties/externalId/pattern"}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "body", "expected"), CASES)
def test_a_violation_is_located_in_the_schema(operation: str, body: Any, expected: set[str]):
    report = Report()

    CHECKS[operation](body, report)

    assert {finding.location for finding in report.findings} == expected


def test_every_bad_item_is_reported_although_the_location_is_the_same():
    report = Report()
    entry = {"name": "abc", "limit": 1, "duration": 1000}

    CHECKS["identities.createIdentity"]({"externalId": "u", "ratelimits": [entry, entry]}, report)

    assert [finding.location for finding in report.findings] == ["/properties/ratelimits/items/required"] * 2


@pytest.mark.parametrize("amount", [1.0, 1e3, 2**63])
def test_a_number_that_the_schema_allows_but_no_integer_holds_is_a_plain_400(unkey: Unkey, amount: float):
    body = {"externalId": "u", "ratelimits": [{**limit("abc"), "limit": amount}]}

    refusal = unkey.refused("identities.createIdentity", body)

    assert refusal.detail == "The request body is invalid. The request body was not valid JSON."
    assert refusal.locations == ()


def test_lengths_count_characters_not_bytes(unkey: Unkey):
    answer = unkey.ok("permissions.createRole", {"name": "ü" * 128})

    assert answer["roleId"].startswith("role_")


def test_unknown_fields_are_ignored_where_unkey_ignores_them(unkey: Unkey):
    body = {"externalId": "u", "bogus": 1, "ratelimits": [{**limit("abc"), "bogus": 1}]}

    answer = unkey.ok("identities.createIdentity", body)

    assert answer["identityId"].startswith("id_")


def test_every_operation_has_a_schema_and_every_schema_an_operation():
    assert set(OPERATIONS) == set(CHECKS)
