"""Replica lag, caches per node, and what happens to calls that meet on one object."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.client import Unkey, limit, numbers, refusal_of

LAG_S = 5


@pytest.fixture
def lagging(unkey: Unkey) -> Unkey:
    """A replica that is five seconds of the sandbox's clock behind; the clock stands still."""
    unkey.sandbox.clock(tick=False)
    unkey.sandbox.modes(replica_lag_s=LAG_S)
    return unkey


def settle(unkey: Unkey) -> None:
    unkey.sandbox.advance(LAG_S)


@pytest.mark.parametrize("operation", ["getIdentity", "updateIdentity", "deleteIdentity"])
def test_a_new_identity_is_not_there_yet_and_already_taken(lagging: Unkey, operation: str):
    lagging.ok("identities.createIdentity", {"externalId": "u"})

    early = lagging.refused(f"identities.{operation}", {"identity": "u"})
    again = lagging.refused("identities.createIdentity", {"externalId": "u"})
    settle(lagging)

    assert (early.status, again.status) == (404, 409)
    assert lagging.sandbox.call(f"identities.{operation}", {"identity": "u"}).status_code == 200


@pytest.mark.parametrize(
    ("operation", "extra"),
    [
        ("getKey", {}),
        ("updateKey", {}),
        ("deleteKey", {}),
        ("rerollKey", {"expiration": 0}),
        ("updateCredits", {"operation": "set", "value": 1}),
        ("addRoles", {"roles": ["R"]}),
        ("setRoles", {"roles": []}),
        ("addPermissions", {"permissions": ["a.x"]}),
        ("setPermissions", {"permissions": []}),
    ],
)
def test_a_new_key_is_not_there_yet(unkey: Unkey, operation: str, extra: dict[str, Any]):
    api = unkey.api()
    unkey.ok("permissions.createRole", {"name": "R"})
    unkey.sandbox.clock(tick=False)
    unkey.sandbox.modes(replica_lag_s=LAG_S)
    key = unkey.key(apiId=api)
    body = {"keyId": key["keyId"], **extra}

    early = unkey.refused(f"keys.{operation}", body)
    settle(unkey)

    assert early.kind == "unkey/data/key_not_found"
    assert unkey.sandbox.call(f"keys.{operation}", body).status_code == 200


def test_a_new_key_neither_verifies_nor_is_listed_yet(unkey: Unkey):
    api = unkey.api()
    unkey.sandbox.modes(replica_lag_s=60)
    key = unkey.key(apiId=api, externalId="u")

    assert unkey.verified(key)["code"] == "NOT_FOUND"
    assert unkey.ok("apis.listKeys", {"apiId": api, "externalId": "u"}) == []


def test_a_new_role_can_be_set_but_not_added_or_read_yet(unkey: Unkey):
    key = unkey.key()["keyId"]
    unkey.sandbox.modes(replica_lag_s=60)
    unkey.ok("permissions.createRole", {"name": "R"})

    assert unkey.refused("permissions.getRole", {"role": "R"}).status == 404
    assert unkey.refused("keys.addRoles", {"keyId": key, "roles": ["R"]}).status == 404
    assert unkey.ok("keys.setRoles", {"keyId": key, "roles": ["R"]})[0]["name"] == "R"
    assert unkey.ok("keys.updateKey", {"keyId": key, "roles": ["R"]}) == {}


def test_a_new_permission_breaks_set_and_add_but_not_update(unkey: Unkey):
    key = unkey.key()["keyId"]
    unkey.sandbox.modes(replica_lag_s=60)
    unkey.ok("permissions.createPermission", {"name": "n", "slug": "new.x"})

    for operation in ("addPermissions", "setPermissions"):
        assert unkey.refused(f"keys.{operation}", {"keyId": key, "permissions": ["new.x"]}).status == 500
    assert unkey.ok("keys.updateKey", {"keyId": key, "permissions": ["new.x"]}) == {}


def test_adding_a_role_again_before_the_replica_knows_is_a_500(unkey: Unkey):
    unkey.ok("permissions.createRole", {"name": "R"})
    body = {"keyId": unkey.key()["keyId"], "roles": ["R"]}
    unkey.sandbox.modes(replica_lag_s=60)
    unkey.ok("keys.addRoles", body)

    assert unkey.refused("keys.addRoles", body).status == 500


def parallel_updates(unkey: Unkey) -> dict[str, int]:
    bodies = [{"identity": "u", "ratelimits": [limit(f"limit{number}", number + 1)]} for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda body: unkey.sandbox.call("identities.updateIdentity", body), bodies))
    assert {answer.status_code for answer in answers} == {200}
    unkey.sandbox.heal()
    return numbers(unkey.ok("identities.getIdentity", {"identity": "u"}).get("ratelimits", []))


def test_parallel_updates_leave_a_union_when_the_replica_lags(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u"})
    unkey.sandbox.modes(replica_lag_s=60)

    assert len(parallel_updates(unkey)) == 20


def test_parallel_updates_leave_one_list_when_it_does_not(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u"})

    assert len(parallel_updates(unkey)) == 1


@pytest.mark.parametrize("lag_s", [0, 60])
def test_of_twenty_parallel_creates_one_wins(unkey: Unkey, lag_s: float):
    unkey.sandbox.modes(replica_lag_s=lag_s)
    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(
            lambda _: unkey.sandbox.call("identities.createIdentity", {"externalId": "u"}), range(20)
        )
        codes = sorted(answer.status_code for answer in answers)

    assert codes == [200] + [409] * 19


def test_of_twenty_parallel_deletes_one_wins(unkey: Unkey):
    unkey.ok("identities.createIdentity", {"externalId": "u"})
    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(
            lambda _: unkey.sandbox.call("identities.deleteIdentity", {"identity": "u"}), range(20)
        )
        codes = sorted(answer.status_code for answer in answers)

    assert codes == [200] + [404] * 19


def test_parallel_keys_of_a_new_external_id_share_one_identity(unkey: Unkey):
    api = unkey.api()
    with ThreadPoolExecutor(20) as pool:
        list(
            pool.map(
                lambda _: unkey.sandbox.call("keys.createKey", {"apiId": api, "externalId": "u"}), range(20)
            )
        )

    rows = unkey.ok("apis.listKeys", {"apiId": api, "externalId": "u"})

    assert len(rows) == 20
    assert len({row["identity"]["id"] for row in rows}) == 1


@pytest.fixture
def nodes(unkey: Unkey) -> Unkey:
    """Two nodes that remember; the clock stands still."""
    unkey.sandbox.clock(tick=False)
    unkey.sandbox.modes(nodes=2)
    return unkey


def verify_on(unkey: Unkey, node: int, key: dict[str, Any]) -> str:
    code: str = on(unkey, node, "keys.verifyKey", {"key": key["key"]}).json()["data"]["code"]
    return code


def on(unkey: Unkey, node: int, operation: str, body: dict[str, Any]):
    headers = {"Authorization": f"Bearer {unkey.sandbox.root_keys['full']}", "X-Sandbox-Node": str(node)}
    return unkey.sandbox._http.post(f"/v2/{operation}", json=body, headers=headers)


def test_another_node_accepts_a_revoked_key_once_more(nodes: Unkey):
    key = nodes.key()
    assert verify_on(nodes, 1, key) == "VALID"

    on(nodes, 0, "keys.deleteKey", {"keyId": key["keyId"]})
    nodes.sandbox.advance(5)
    fresh = [verify_on(nodes, 0, key), verify_on(nodes, 1, key)]
    nodes.sandbox.advance(25)
    stale = [verify_on(nodes, 1, key), verify_on(nodes, 1, key)]

    assert fresh == ["NOT_FOUND", "VALID"]
    assert stale == ["VALID", "NOT_FOUND"]


def test_after_ten_minutes_no_node_serves_what_it_remembers(nodes: Unkey):
    key = nodes.key()
    verify_on(nodes, 1, key)
    on(nodes, 0, "keys.updateKey", {"keyId": key["keyId"], "enabled": False})

    nodes.sandbox.advance(601)

    assert verify_on(nodes, 1, key) == "DISABLED"


def test_a_node_that_asked_too_early_remembers_the_miss(nodes: Unkey):
    api = nodes.api()
    nodes.sandbox.modes(replica_lag_s=1)
    key = nodes.key(apiId=api)
    codes = [verify_on(nodes, 0, key)]
    nodes.sandbox.advance(2)

    codes += [verify_on(nodes, 0, key), verify_on(nodes, 1, key)]
    nodes.sandbox.advance(11)
    codes += [verify_on(nodes, 0, key), verify_on(nodes, 0, key)]

    assert codes == ["NOT_FOUND", "NOT_FOUND", "VALID", "NOT_FOUND", "VALID"]


def test_identity_changes_reach_verification_only_with_time(nodes: Unkey):
    nodes.ok("identities.createIdentity", {"externalId": "u", "ratelimits": [limit("rps", 100)]})
    key = nodes.key(externalId="u")
    verify_on(nodes, 0, key)

    on(nodes, 0, "identities.updateIdentity", {"identity": "u", "ratelimits": []})

    seen = on(nodes, 0, "keys.verifyKey", {"key": key["key"]}).json()["data"]
    assert [entry["limit"] for entry in seen["ratelimits"]] == [100]


def test_a_deleted_api_keeps_listing_on_another_node(nodes: Unkey):
    api = nodes.api()
    on(nodes, 1, "apis.getApi", {"apiId": api})

    on(nodes, 0, "apis.deleteApi", {"apiId": api})

    assert on(nodes, 0, "apis.listKeys", {"apiId": api}).status_code == 404
    assert on(nodes, 1, "apis.listKeys", {"apiId": api}).status_code == 200


def test_a_node_misses_that_an_unlimited_key_got_credits(nodes: Unkey):
    key = nodes.key()
    verify_on(nodes, 1, key)

    on(nodes, 0, "keys.updateCredits", {"keyId": key["keyId"], "operation": "set", "value": 0})

    assert (verify_on(nodes, 0, key), verify_on(nodes, 1, key)) == ("USAGE_EXCEEDED", "VALID")


def test_the_refill_shows_within_a_minute_where_balances_live_apart(nodes: Unkey):
    nodes.sandbox.clock(set=nodes.sandbox.clock(to="refill")["now"] + 86_400_000 - 5_000)
    key = nodes.key(credits={"remaining": 1, "refill": {"interval": "daily", "amount": 9}})
    codes = [verify_on(nodes, 0, key), verify_on(nodes, 0, key)]

    nodes.sandbox.advance(6)
    codes.append(verify_on(nodes, 0, key))
    nodes.sandbox.advance(60)
    codes.append(verify_on(nodes, 0, key))

    assert codes == ["VALID", "USAGE_EXCEEDED", "USAGE_EXCEEDED", "VALID"]


def test_without_nodes_every_change_is_seen_at_once(unkey: Unkey):
    key = unkey.key()
    unkey.verified(key)

    unkey.ok("keys.updateKey", {"keyId": key["keyId"], "enabled": False})

    assert unkey.verified(key)["code"] == "DISABLED"


def test_a_409_followed_by_a_404_is_a_legal_sequence(unkey: Unkey):
    unkey.sandbox.modes(replica_lag_s=60)
    unkey.ok("identities.createIdentity", {"externalId": "u"})

    answers = [
        unkey.sandbox.call("identities.createIdentity", {"externalId": "u"}),
        unkey.sandbox.call("identities.getIdentity", {"identity": "u"}),
    ]

    assert [refusal_of(answer).status for answer in answers] == [409, 404]
