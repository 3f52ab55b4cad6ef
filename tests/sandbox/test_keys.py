"""keys.createKey, getKey, updateKey, deleteKey, whoami, rerollKey."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import Unkey, limit, numbers

FULL_KEY = {
    "name": "n",
    "externalId": "u",
    "meta": {"a": 1},
    "permissions": ["docs.read"],
    "ratelimits": [limit("aaa")],
    "credits": {"remaining": 4, "refill": {"interval": "daily", "amount": 9}},
    "expires": 4_000_000_000_000,
}


def test_every_create_makes_another_key(unkey: Unkey):
    api = unkey.api()

    first, second = unkey.key(apiId=api), unkey.key(apiId=api)

    assert first["keyId"] != second["keyId"]
    assert len(unkey.ok("apis.listKeys", {"apiId": api})) == 2


def test_the_start_is_the_prefix_and_four_characters(unkey: Unkey):
    key = unkey.key(prefix="pre_fix")

    assert unkey.shown(key)["start"] == key["key"][: len("pre_fix_") + 4]


def test_an_unknown_external_id_makes_one_identity_for_all_its_keys(unkey: Unkey):
    owners = {unkey.shown(unkey.key(externalId="u"))["identity"]["id"] for _ in range(3)}

    assert len(owners) == 1


def test_a_failed_create_leaves_nothing_behind(unkey: Unkey):
    api = unkey.api()

    refusal = unkey.refused("keys.createKey", {"apiId": api, "externalId": "u", "roles": ["nobody"]})

    assert (refusal.kind, refusal.detail) == ("unkey/data/role_not_found", "Role 'nobody' was not found.")
    assert unkey.refused("identities.getIdentity", {"identity": "u"}).status == 404
    assert unkey.ok("apis.listKeys", {"apiId": api}) == []


@pytest.mark.parametrize("body", [
    {"roles": ["Admin", "Admin"]},
    {"permissions": ["new.slug", "new.slug"]},
    {"permissions": ["DOCS.read"]},
    {"meta": {"a": "x" * 65_529}},
])  # fmt: skip
def test_input_that_breaks_a_statement_is_a_500(unkey: Unkey, body: dict[str, Any]):
    unkey.ok("permissions.createRole", {"name": "Admin", "permissions": ["docs.read"]})

    refusal = unkey.refused("keys.createKey", {"apiId": unkey.api(), **body})

    assert (refusal.status, refusal.kind) == (500, "unkey/application/service_unavailable")


def test_meta_of_65535_bytes_fits_a_key(unkey: Unkey):
    key = unkey.key(meta={"a": "x" * (65_535 - len('{"a":""}'))})

    assert len(unkey.shown(key)["meta"]["a"]) == 65_527


@pytest.mark.parametrize("root_key", ["other_ws", "none", "identity_read"])
def test_a_foreign_api_and_a_missing_permission_look_like_a_missing_api(unkey: Unkey, root_key: str):
    refusal = unkey.refused("keys.createKey", {"apiId": unkey.api()}, root_key)

    assert (refusal.status, refusal.detail) == (404, "The specified API was not found.")


def test_a_recoverable_key_needs_an_api_that_encrypts(unkey: Unkey):
    encrypted = unkey.sandbox.apis["api_encrypted"]

    key = unkey.key(apiId=encrypted, recoverable=True)
    refusal = unkey.refused("keys.createKey", {"apiId": unkey.api(), "recoverable": True})

    assert unkey.ok("keys.getKey", {"keyId": key["keyId"], "decrypt": True})["plaintext"] == key["key"]
    assert refusal.status == 412


def test_an_absent_field_keeps_and_null_clears(unkey: Unkey):
    key = unkey.key(**FULL_KEY)
    before = unkey.shown(key)

    unkey.ok("keys.updateKey", {"keyId": key["keyId"]})
    kept = unkey.shown(key)
    cleared = {"name": None, "externalId": None, "meta": None, "expires": None, "credits": None}
    unkey.ok("keys.updateKey", {"keyId": key["keyId"], **cleared})

    assert {name: value for name, value in kept.items() if name != "updatedAt"} == before
    assert not {"name", "identity", "meta", "expires", "credits"} & set(unkey.shown(key))


def test_lists_are_replaced_and_an_empty_list_clears(unkey: Unkey):
    key = unkey.key(permissions=["one.x"], ratelimits=[limit("aaa"), limit("bbb")])
    ids = {entry["name"]: entry["id"] for entry in unkey.shown(key)["ratelimits"]}

    unkey.ok(
        "keys.updateKey", {"keyId": key["keyId"], "permissions": ["two.x"], "ratelimits": [limit("bbb", 5)]}
    )
    replaced = unkey.shown(key)
    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "permissions": [], "ratelimits": []})

    assert replaced["permissions"] == ["two.x"]
    assert [entry["id"] for entry in replaced["ratelimits"]] == [ids["bbb"]]
    assert not {"permissions", "ratelimits"} & set(unkey.shown(key))


def test_an_update_takes_the_last_of_two_limits_of_one_name(unkey: Unkey):
    key = unkey.key()

    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "ratelimits": [limit("aaa", 1), limit("aaa", 2)]})

    assert numbers(unkey.shown(key)["ratelimits"]) == {"aaa": 2}


def test_one_bad_part_of_an_update_changes_nothing(unkey: Unkey):
    key = unkey.key(name="before", ratelimits=[limit("aaa")])
    before = unkey.shown(key)

    unkey.refused("keys.updateKey", {
        "keyId": key["keyId"], "name": "after", "externalId": "u", "ratelimits": [], "roles": ["nobody"],
    })  # fmt: skip

    assert unkey.shown(key) == before
    assert unkey.refused("identities.getIdentity", {"identity": "u"}).status == 404


def test_permissions_made_by_an_update_say_so(unkey: Unkey):
    key = unkey.key()

    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "permissions": ["new.slug"]})

    made = unkey.ok("permissions.getPermission", {"permission": "new.slug"})
    assert made["description"] == "Auto-created permission: new.slug"


@pytest.mark.parametrize("permanent", [False, True])
def test_a_deleted_key_is_gone_for_every_operation(unkey: Unkey, permanent: bool):
    api = unkey.api()
    key = unkey.key(apiId=api, ratelimits=[limit("aaa")])

    unkey.ok("keys.deleteKey", {"keyId": key["keyId"], "permanent": permanent})

    for operation in ("getKey", "deleteKey", "updateKey"):
        refusal = unkey.refused(f"keys.{operation}", {"keyId": key["keyId"]})
        assert refusal.detail == "We could not find the requested key."
    assert unkey.verified(key) == {"valid": False, "code": "NOT_FOUND"}
    assert unkey.ok("apis.listKeys", {"apiId": api}) == []
    assert bool(unkey.sandbox.state()["keys"]) is not permanent


def test_whoami_finds_a_key_by_its_text_and_hides_it_from_strangers(unkey: Unkey):
    key = unkey.key(enabled=False)

    assert unkey.ok("keys.whoami", {"key": key["key"]}) == unkey.shown(key)
    for root_key in ("none", "api_no_key_read", "other_ws"):
        assert unkey.refused("keys.whoami", {"key": key["key"]}, root_key).kind == "unkey/data/key_not_found"


def test_a_root_key_is_somebody_elses_key(unkey: Unkey):
    secret = unkey.sandbox.root_keys["full"]

    assert unkey.refused("keys.whoami", {"key": secret}).detail == "The specified key was not found."
    assert unkey.ok("keys.verifyKey", {"key": secret}) == {"valid": False, "code": "NOT_FOUND"}


def test_a_reroll_copies_everything_and_ends_the_old_key(unkey: Unkey):
    unkey.sandbox.clock(tick=False)
    old = unkey.key(prefix="pre_fix", **FULL_KEY)
    before = unkey.shown(old)

    new = unkey.ok("keys.rerollKey", {"keyId": old["keyId"], "expiration": 0})

    copied = unkey.shown(new)
    same = ("name", "meta", "credits", "expires", "permissions", "identity", "enabled")
    assert {name: copied[name] for name in same} == {name: before[name] for name in same}
    assert new["key"].startswith("pre_")
    assert not new["key"].startswith("pre_fix_")
    assert copied["ratelimits"][0]["id"] != before["ratelimits"][0]["id"]
    unkey.sandbox.advance(0.001)
    assert unkey.verified(old)["code"] == "EXPIRED"


def test_the_end_of_a_rerolled_key_is_rounded_up_to_a_minute(unkey: Unkey):
    unkey.sandbox.clock(tick=False, set=unkey.sandbox.clock()["now"] // 60_000 * 60_000 + 90_001)
    old = unkey.key()

    unkey.ok("keys.rerollKey", {"keyId": old["keyId"], "expiration": 60_000})

    ends = unkey.shown(old)["expires"]
    assert ends % 60_000 == 0
    assert 60_000 <= ends - unkey.sandbox.clock()["now"] < 120_000


def test_an_expiry_of_zero_is_not_shown_and_counts(unkey: Unkey):
    key = unkey.key(expires=0)

    assert "expires" not in unkey.shown(key)
    assert unkey.verified(key)["code"] == "EXPIRED"


def test_keys_of_a_deleted_identity_live_on_unlimited_and_unfindable(unkey: Unkey):
    api = unkey.api()
    unkey.ok("identities.createIdentity", {"externalId": "u", "ratelimits": [limit("rps", 1, 3_600_000)]})
    key = unkey.key(apiId=api, externalId="u")
    unkey.ok("identities.deleteIdentity", {"identity": "u"})

    codes = {unkey.verified(key)["code"] for _ in range(3)}
    unkey.ok("identities.createIdentity", {"externalId": "u"})

    assert codes == {"VALID"}
    assert "identity" not in unkey.shown(key)
    assert unkey.ok("apis.listKeys", {"apiId": api, "externalId": "u"}) == []
    assert unkey.ok("apis.listKeys", {"apiId": api})[0]["identity"]["externalId"] == ""


def test_an_update_relinks_a_key_to_the_new_identity(unkey: Unkey):
    api = unkey.api()
    key = unkey.key(apiId=api, externalId="u")
    unkey.ok("identities.deleteIdentity", {"identity": "u"})

    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "externalId": "u"})

    assert [row["keyId"] for row in unkey.ok("apis.listKeys", {"apiId": api, "externalId": "u"})] == [
        key["keyId"]
    ]


def test_a_recoverable_key_is_rerolled_with_the_right_to_encrypt_only(unkey: Unkey):
    key = unkey.key(apiId=unkey.sandbox.apis["api_encrypted"], recoverable=True)
    body = {"keyId": key["keyId"], "expiration": 0}

    refusal = unkey.refused("keys.rerollKey", body, "worker")
    new = unkey.ok("keys.rerollKey", body)

    assert refusal.status == 403
    assert unkey.ok("keys.getKey", {"keyId": new["keyId"], "decrypt": True})["plaintext"] == new["key"]


def test_decryption_is_refused_where_nothing_is_encrypted(unkey: Unkey):
    refusal = unkey.refused("keys.getKey", {"keyId": unkey.key()["keyId"], "decrypt": True})

    assert refusal.detail == "The API for this key does not support key encryption."
