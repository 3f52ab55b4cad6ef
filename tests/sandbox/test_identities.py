"""identities.*"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import Unkey, limit, numbers

MEBIBYTE = 1 << 20


def test_create_is_no_upsert(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u", "meta": {"plan": "free"}})

    refusal = unkey.refused("identities.createIdentity", {"externalId": "u", "meta": {"plan": "pro"}})

    assert (refusal.status, refusal.kind) == (409, "unkey/data/identity_already_exists")
    assert unkey.ok("identities.getIdentity", {"identity": "u"})["meta"] == {"plan": "free"}


def test_external_ids_differ_by_case_and_by_workspace(unkey: Unkey):
    ids = {
        unkey.ok("identities.createIdentity", {"externalId": external_id}, root_key)["identityId"]
        for external_id, root_key in [("u", "full"), ("U", "full"), ("u", "other_ws")]
    }

    assert len(ids) == 3


def test_of_a_limit_named_twice_on_create_the_last_counts(unkey: Unkey):
    body = {"externalId": "u", "ratelimits": [limit("abc", 1), limit("abc", 2)]}

    unkey.ok("identities.createIdentity", body)

    assert numbers(unkey.ok("identities.getIdentity", {"identity": "u"})["ratelimits"]) == {"abc": 2}


def test_a_limit_named_twice_on_update_is_refused_even_for_a_missing_identity(unkey: Unkey):
    body = {"identity": "nobody", "ratelimits": [limit("abc"), limit("abc")]}

    refusal = unkey.refused("identities.updateIdentity", body)

    assert refusal.detail == "Ratelimit with name 'abc' is already defined in the request"


def test_the_answer_to_an_update_echoes_meta_only_if_it_was_sent(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u", "meta": {"a": 1}})

    answer = unkey.ok("identities.updateIdentity", {"identity": "u", "ratelimits": []})

    assert "meta" not in answer
    assert unkey.ok("identities.getIdentity", {"identity": "u"})["meta"] == {"a": 1}


def test_meta_is_replaced_wholly_and_cleared_by_an_empty_object(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u", "meta": {"a": 1, "b": {"c": 2}}})

    unkey.ok("identities.updateIdentity", {"identity": "u", "meta": {"b": {"d": 3}}})
    replaced = unkey.ok("identities.getIdentity", {"identity": "u"})["meta"]
    unkey.ok("identities.updateIdentity", {"identity": "u", "meta": {}})

    assert replaced == {"b": {"d": 3}}
    assert "meta" not in unkey.ok("identities.getIdentity", {"identity": "u"})


def test_limits_are_replaced_by_name_and_kept_names_keep_their_id(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u", "ratelimits": [limit("aaa"), limit("bbb")]})
    before = unkey.ok("identities.getIdentity", {"identity": "u"})["ratelimits"]

    unkey.ok("identities.updateIdentity", {"identity": "u", "ratelimits": [limit("bbb", 20), limit("ccc")]})

    after = unkey.ok("identities.getIdentity", {"identity": "u"})["ratelimits"]
    ids = {entry["name"]: entry["id"] for entry in before}
    assert numbers(after) == {"bbb": 20, "ccc": 10}
    assert ids["bbb"] in {entry["id"] for entry in after}


def test_meta_of_one_mebibyte_fits_and_one_byte_more_does_not(unkey: Unkey):
    frame = len('{"a":""}')

    unkey.ok("identities.createIdentity", {"externalId": "u", "meta": {"a": "x" * (MEBIBYTE - frame)}})
    refusal = unkey.refused(
        "identities.createIdentity", {"externalId": "v", "meta": {"a": "x" * (MEBIBYTE - frame + 1)}}
    )

    assert refusal.detail == "Metadata is too large: it must be at most 1.0 MB, but is 1.0 MB."


def test_signs_that_go_escapes_count_six_bytes(unkey: Unkey):
    refusal = unkey.refused(
        "identities.createIdentity", {"externalId": "u", "meta": {"a": "<" * (MEBIBYTE // 5)}}
    )

    assert refusal.detail.endswith("but is 1.2 MB.")


def test_numbers_in_meta_pass_through_doubles(unkey: Unkey):
    unkey.ok(
        "identities.createIdentity", {"externalId": "u", "meta": {"big": 9_007_199_254_740_993, "one": 1.0}}
    )

    meta = unkey.ok("identities.getIdentity", {"identity": "u"})["meta"]

    assert meta == {"big": 9_007_199_254_740_992, "one": 1}


def test_a_deleted_identity_is_gone_and_its_external_id_starts_anew(unkey: Unkey):
    first = unkey.ok("identities.createIdentity", {"externalId": "u", "meta": {"g": 1}})["identityId"]
    whole = unkey.whole("identities.deleteIdentity", {"identity": "u"})

    again = unkey.refused("identities.deleteIdentity", {"identity": "u"})
    second = unkey.ok("identities.createIdentity", {"externalId": "u"})["identityId"]

    assert "data" not in whole
    assert again.kind == "unkey/data/identity_not_found"
    assert second != first
    assert unkey.ok("identities.getIdentity", {"identity": "u"}) == {"id": second, "externalId": "u"}
    assert unkey.refused("identities.getIdentity", {"identity": first}).status == 404


def test_deleting_the_second_generation_purges_the_first(unkey: Unkey):
    for _ in range(3):
        unkey.ok("identities.createIdentity", {"externalId": "u", "ratelimits": [limit("abc")]})
        unkey.ok("identities.deleteIdentity", {"identity": "u"})

    state = unkey.sandbox.state()

    assert [row["deleted"] for row in state["identities"]] == [True]
    assert len(state["limits"]) == 1


def test_an_id_shadows_an_equal_external_id_also_for_deletion(unkey: Unkey):
    first = unkey.ok("identities.createIdentity", {"externalId": "u"})["identityId"]
    unkey.ok("identities.createIdentity", {"externalId": first})

    seen = unkey.ok("identities.getIdentity", {"identity": first})
    unkey.ok("identities.deleteIdentity", {"identity": first})

    assert seen["externalId"] == "u"
    assert unkey.ok("identities.getIdentity", {"identity": first})["externalId"] == first


def test_a_walk_sees_every_identity_once_in_database_order(unkey: Unkey):
    for number in range(23):
        unkey.ok("identities.createIdentity", {"externalId": f"w-{number}"})

    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    starts: list[tuple[int, str]] = []
    while True:
        whole = unkey.whole("identities.listIdentities", {"limit": 5, **cursor})
        rows += whole["data"]
        if not whole["pagination"]["hasMore"]:
            break
        cursor = {"cursor": whole["pagination"]["cursor"]}
        starts.append((len(rows), cursor["cursor"]))

    ids = [row["id"] for row in rows]
    assert len(set(ids)) == 23
    assert ids == sorted(ids, key=lambda text: (text.lower(), text.swapcase()))
    assert all(ids[position] == start for position, start in starts)


@pytest.mark.parametrize(
    ("search", "found"), [("ALPHA", 1), ("%", 0), ("_", 2), ("pha.b", 1), ("zzz", 0), ("", 2)]
)
def test_search_is_a_plain_substring_without_case(unkey: Unkey, search: str, found: int):
    for external_id in ("alpha.beta", "gamma-delta"):
        unkey.ok("identities.createIdentity", {"externalId": external_id})

    rows = unkey.ok("identities.listIdentities", {"search": search})

    assert len(rows) == found  # every id holds an underscore


def test_any_cursor_is_accepted(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u"})

    assert unkey.ok("identities.listIdentities", {"cursor": "zzzz"}) == []
    assert len(unkey.ok("identities.listIdentities", {"cursor": "!"})) == 1
