"""apis.*, ratelimit.*, keys.migrateKeys."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync.sandbox.ids import hash_secret

from tests.sandbox.client import Unkey

HOUR = 3_600_000
COUNT = {"namespace": "ns", "identifier": "u1", "limit": 5, "duration": HOUR}


@pytest.fixture(autouse=True)
def still_clock(unkey: Unkey) -> None:
    unkey.sandbox.clock(tick=False)


def test_a_deleted_api_still_takes_keys_that_nobody_finds(unkey: Unkey):
    api = unkey.api()
    unkey.ok("apis.deleteApi", {"apiId": api})

    key = unkey.key(apiId=api)

    assert unkey.refused("keys.getKey", {"keyId": key["keyId"]}).status == 404
    assert unkey.verified(key)["code"] == "NOT_FOUND"
    assert unkey.refused("apis.listKeys", {"apiId": api}).kind == "unkey/data/api_not_found"


def test_a_protected_api_is_not_deleted(unkey: Unkey):
    refusal = unkey.refused("apis.deleteApi", {"apiId": unkey.sandbox.apis["api_protected"]})

    assert (refusal.status, refusal.kind) == (412, "unkey/application/protected_resource")


def test_get_api_asks_for_permission_first_and_delete_api_for_the_object(unkey: Unkey):
    assert unkey.refused("apis.getApi", {"apiId": "api_nobody"}, "none").status == 403
    assert unkey.refused("apis.deleteApi", {"apiId": "api_nobody"}, "none").status == 404


def test_list_keys_walks_and_filters_by_exact_external_id(unkey: Unkey):
    api = unkey.api()
    mine = {unkey.key(apiId=api, externalId="u")["keyId"] for _ in range(5)}
    unkey.key(apiId=api, externalId="U", enabled=False)
    unkey.key(externalId="u")

    found: set[str] = set()
    cursor: dict[str, str] = {}
    while True:
        whole = unkey.whole("apis.listKeys", {"apiId": api, "externalId": "u", "limit": 2, **cursor})
        found |= {row["keyId"] for row in whole["data"]}
        if not whole["pagination"]["hasMore"]:
            break
        cursor = {"cursor": whole["pagination"]["cursor"]}

    assert found == mine
    assert len(unkey.ok("apis.listKeys", {"apiId": api, "revalidateKeysCache": True})) == 6


@pytest.mark.parametrize("root_key", ["none", "other_ws", "api_no_key_read"])
def test_list_keys_hides_the_api_from_strangers(unkey: Unkey, root_key: str):
    assert unkey.refused("apis.listKeys", {"apiId": unkey.api()}, root_key).kind == "unkey/data/api_not_found"


def test_counting_makes_the_namespace_and_an_override_does_not(unkey: Unkey):
    refusal = unkey.refused("ratelimit.setOverride", COUNT)

    counted = unkey.ok("ratelimit.limit", COUNT)

    assert refusal.kind == "unkey/data/ratelimit_namespace_not_found"
    assert (counted["success"], counted["remaining"]) == (True, 4)


def test_exceeding_a_limit_is_a_200_and_is_not_counted(unkey: Unkey):
    answers = [unkey.ok("ratelimit.limit", {**COUNT, "limit": 2, "cost": cost}) for cost in (2, 1, 0)]

    assert [(answer["success"], answer["remaining"]) for answer in answers] == [
        (True, 0),
        (False, 0),
        (True, 0),
    ]


def test_an_override_counts_and_names_itself(unkey: Unkey):
    unkey.ok("ratelimit.limit", {**COUNT, "identifier": "other"})
    override = unkey.ok("ratelimit.setOverride", {**COUNT, "limit": 50})["overrideId"]

    answer = unkey.ok("ratelimit.limit", COUNT)

    assert (answer["limit"], answer["remaining"], answer["overrideId"]) == (50, 49, override)


def test_an_exact_override_beats_a_wildcard_and_get_finds_the_wildcard(unkey: Unkey):
    unkey.ok("ratelimit.limit", COUNT)
    unkey.ok("ratelimit.setOverride", {**COUNT, "identifier": "vip_*", "limit": 7})
    unkey.ok("ratelimit.setOverride", {**COUNT, "identifier": "vip_a", "limit": 9})

    limits = [
        unkey.ok("ratelimit.limit", {**COUNT, "identifier": name})["limit"]
        for name in ("vip_a", "vip_b", "x")
    ]
    found = unkey.ok("ratelimit.getOverride", {"namespace": "ns", "identifier": "vip_b"})

    assert limits == [9, 7, 5]
    assert found["identifier"] == "vip_*"
    gone = unkey.refused("ratelimit.deleteOverride", {"namespace": "ns", "identifier": "vip_b"})
    assert gone.kind == "unkey/data/ratelimit_override_not_found"


def test_a_deleted_override_is_dead_for_ever(unkey: Unkey):
    unkey.ok("ratelimit.limit", {**COUNT, "identifier": "x"})
    made = unkey.ok("ratelimit.setOverride", {**COUNT, "limit": 50})
    unkey.ok("ratelimit.deleteOverride", {"namespace": "ns", "identifier": "u1"})

    again = unkey.ok("ratelimit.setOverride", {**COUNT, "limit": 70})

    assert again == made
    assert unkey.refused("ratelimit.getOverride", {"namespace": "ns", "identifier": "u1"}).status == 404
    assert unkey.ok("ratelimit.listOverrides", {"namespace": "ns"}) == []
    assert unkey.ok("ratelimit.limit", COUNT)["limit"] == 5


def test_an_override_of_zero_cannot_be_enforced(unkey: Unkey):
    unkey.ok("ratelimit.limit", {**COUNT, "identifier": "x"})
    unkey.ok("ratelimit.setOverride", {**COUNT, "limit": 0})

    refusal = unkey.refused("ratelimit.limit", COUNT)

    assert (refusal.status, refusal.kind) == (500, "unkey/application/unexpected_error")


def test_reading_an_override_without_rights_is_a_404_and_deleting_a_403(unkey: Unkey):
    unkey.ok("ratelimit.limit", COUNT)
    unkey.ok("ratelimit.setOverride", COUNT)
    one = {"namespace": "ns", "identifier": "u1"}

    assert (
        unkey.refused("ratelimit.getOverride", one, "none").kind == "unkey/data/ratelimit_override_not_found"
    )
    assert unkey.refused("ratelimit.deleteOverride", one, "rate_read").status == 403
    assert unkey.refused("ratelimit.listOverrides", {"namespace": "ns"}, "none").status == 403


def test_a_namespace_made_on_the_way_needs_the_right_to(unkey: Unkey):
    refusal = unkey.refused("ratelimit.limit", COUNT, "rate_read")

    assert refusal.status == 403
    assert unkey.sandbox.state()["namespaces"] == []


def test_of_a_multi_limit_either_all_count_or_none(unkey: Unkey):
    small = {**COUNT, "identifier": "small", "limit": 1}
    checks = [COUNT, small]

    first, second = (unkey.ok("ratelimit.multiLimit", checks) for _ in range(2))

    assert (first["passed"], second["passed"]) == (True, False)
    assert [check["remaining"] for check in second["limits"]] == [4, 0]
    assert [check["passed"] for check in second["limits"]] == [True, False]


def migration(unkey: Unkey, *keys: dict[str, Any]) -> dict[str, Any]:
    return {
        "migrationId": unkey.sandbox.migrations["migration_sha256"],
        "apiId": unkey.api(),
        "keys": list(keys),
    }


def test_migrating_twice_makes_one_key(unkey: Unkey):
    body = migration(unkey, {"hash": hash_secret("mine"), "externalId": "odd|id@x", "roles": ["Auto"]})

    first, second = unkey.ok("keys.migrateKeys", body), unkey.ok("keys.migrateKeys", body)

    assert first["failed"] is None
    assert second == {"migrated": [], "failed": [hash_secret("mine")]}
    assert unkey.ok("keys.whoami", {"key": "mine"})["keyId"] == first["migrated"][0]["keyId"]
    assert unkey.verified({"key": "mine"})["roles"] == ["Auto"]
    assert unkey.ok("identities.getIdentity", {"identity": "odd|id@x"})["externalId"] == "odd|id@x"


@pytest.mark.parametrize("keys", [
    [{"hash": "aaa"}, {"hash": "aaa"}],
    [{"hash": "aaa", "credits": {"remaining": None}}],
    [{"hash": "aaa"}, {"hash": "bbb", "permissions": ["KNOWN.x"]}],
])  # fmt: skip
def test_a_batch_that_breaks_leaves_nothing(unkey: Unkey, keys: list[dict[str, Any]]):
    unkey.ok("permissions.createPermission", {"name": "k", "slug": "known.x"})

    refusal = unkey.refused("keys.migrateKeys", migration(unkey, *keys))

    assert (refusal.status, refusal.kind) == (500, "unkey/application/unexpected_error")
    assert unkey.sandbox.state()["keys"] == []


def test_an_unknown_migration_is_a_404_and_a_missing_right_a_403(unkey: Unkey):
    body = migration(unkey, {"hash": "aaa"})

    assert (
        unkey.refused("keys.migrateKeys", body | {"migrationId": "mig_x"}).kind
        == "unkey/data/migration_not_found"
    )
    assert unkey.refused("keys.migrateKeys", body, "none").status == 403


def test_an_override_of_zero_breaks_a_whole_multi_limit(unkey: Unkey):
    unkey.ok("ratelimit.limit", {**COUNT, "identifier": "x"})
    unkey.ok("ratelimit.setOverride", {**COUNT, "limit": 0})

    refusal = unkey.refused("ratelimit.multiLimit", [COUNT, {**COUNT, "identifier": "x"}])

    assert refusal.detail == "We're unable to process the rate limit requests."


def test_listed_keys_are_decrypted_with_the_right_to_and_an_api_that_encrypts(unkey: Unkey):
    encrypted = unkey.sandbox.apis["api_encrypted"]
    key = unkey.key(apiId=encrypted, recoverable=True)
    unkey.key(apiId=encrypted)

    rows = unkey.ok("apis.listKeys", {"apiId": encrypted, "decrypt": True})

    assert sorted(row.get("plaintext", "") for row in rows) == ["", key["key"]]
    assert unkey.refused("apis.listKeys", {"apiId": encrypted, "decrypt": True}, "worker").status == 403
    assert unkey.refused("apis.listKeys", {"apiId": unkey.api(), "decrypt": True}).status == 412


def test_migrated_keys_share_the_roles_that_exist(unkey: Unkey):
    role = unkey.ok("permissions.createRole", {"name": "Auto"})["roleId"]

    unkey.ok("keys.migrateKeys", migration(unkey, {"hash": hash_secret("mine"), "roles": ["Auto"]}))

    assert [row["id"] for row in unkey.ok("permissions.listRoles", {})] == [role]


@pytest.mark.parametrize("key", [{"meta": {"a": "x" * 70_000}}, {"roles": ["AUTO"]}])
def test_a_migrated_key_that_does_not_fit_is_an_unclassified_500(unkey: Unkey, key: dict[str, Any]):
    unkey.ok("permissions.createRole", {"name": "Auto"})

    assert unkey.refused("keys.migrateKeys", migration(unkey, {"hash": "aaa", **key})).detail == ""
