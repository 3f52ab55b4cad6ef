"""What others change in Unkey: seen at the next look, reported, put right; what is theirs stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unkey_sync.clock import DAY, SECOND
from unkey_sync.configfile import parse_document
from unkey_sync.engine.catalogue import keep_roles
from unkey_sync.engine.lookout import Lookout
from unkey_sync.policy import read_policy

from tests import makers
from tests.house import API_ID, House

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

POLICY = b"""
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m" }]
identity.meta = { support = "none" }
key.credits = { remaining = 100, refill = { interval = "monthly", amount = 100, day = 1 } }
key.roles = ["reader"]
[roles]
reader = ["read"]
[[keys]]
slot = "default"
"""
LIMIT = {"name": "requests", "limit": 100, "duration": 60_000, "autoApply": True}


@pytest.fixture
def house(ledger: Ledger) -> House:
    house = House(ledger, read_policy(parse_document(POLICY, "test.toml")))
    keep_roles(house.client, house.policy.roles)
    house.accept(makers.organization())
    house.settle()
    house.clock.advance(8 * 86_400)
    return house


def look(house: House) -> list[tuple[str, str, str]]:
    """Everybody's turn to be read afresh; what was found edited: field, expected, found."""
    Lookout(house.ledger, house.clock, 7 * DAY).run_once()
    house.settle()
    with house.ledger.transaction() as tx:
        rows = tx.identities.edits_of("org_1")
    return sorted((row["field"], row["expected"], row["found"]) for row in rows)


def key(house: House) -> dict[str, Any]:
    (found,) = house.call("apis.listKeys", {"apiId": API_ID, "externalId": "org_1"})["data"]
    return dict(found)


def test_when_nobody_changed_anything_a_look_is_two_reads_and_no_report(house: House) -> None:
    house.transport.calls.clear()

    assert look(house) == []

    assert house.transport.calls == ["identities.getIdentity", "apis.listKeys"]
    assert look(house) == []
    assert len(house.transport.calls) == 2


def test_limits_and_our_meta_are_put_right_and_their_meta_stays(house: House) -> None:
    before = house.identity("org_1")
    assert before is not None
    theirs = {**before["meta"], "support": "gold", "note": "ours"}
    house.call(
        "identities.updateIdentity",
        {"identity": "org_1", "meta": theirs, "ratelimits": [{**LIMIT, "limit": 10**9}]},
    )

    found = look(house)

    assert found == [
        ("meta.support", "", ""),
        ("ratelimits.requests", "100/60000ms auto_apply=True", "1000000000/60000ms auto_apply=True"),
    ]
    after = house.identity("org_1")
    assert after is not None
    assert after["meta"] == {**before["meta"], "note": "ours"}
    assert [limit["limit"] for limit in after["ratelimits"]] == [100]


def test_a_key_that_was_made_unlimited_and_lost_its_roles_is_put_right(house: House) -> None:
    house.call("keys.updateKey", {"keyId": key(house)["keyId"], "credits": None, "roles": []})

    found = look(house)

    assert found == [("credits", "monthly 100 1", "unlimited"), ("roles", "reader", "none")]
    assert key(house)["credits"]["remaining"] == 100
    assert key(house)["roles"] == ["reader"]


def test_a_spent_balance_is_no_edit(house: House) -> None:
    body = {"keyId": key(house)["keyId"], "operation": "decrement", "value": 60}
    house.call("keys.updateCredits", body)
    house.clock.advance(60)

    assert look(house) == []

    assert key(house)["credits"]["remaining"] == 40


def test_an_expiry_that_others_set_is_taken_back(house: House) -> None:
    ends = (house.clock.now() + 30 * DAY) // 1_000
    house.call("keys.updateKey", {"keyId": key(house)["keyId"], "expires": ends})

    found = look(house)

    assert found == [("expires", "never", str(ends))]
    assert "expires" not in key(house)


def test_what_its_owner_switched_off_is_reported_and_stays_off(house: House) -> None:
    house.call("keys.updateKey", {"keyId": key(house)["keyId"], "enabled": False})

    assert look(house) == [("enabled", "true", "false")]

    assert key(house)["enabled"] is False


def test_a_deleted_key_is_replaced(house: House) -> None:
    gone = key(house)["keyId"]
    house.call("keys.deleteKey", {"keyId": gone, "permanent": True})
    house.clock.advance(60)

    found = look(house)

    assert found == [("identity", "listed", "not listed")]
    assert key(house)["keyId"] != gone
    assert key(house)["enabled"]


def test_a_key_that_was_taken_out_of_the_identity_comes_back_to_it(house: House) -> None:
    mine = key(house)["keyId"]
    house.call("keys.updateKey", {"keyId": mine, "externalId": None})

    look(house)

    assert key(house)["keyId"] == mine


def test_a_deleted_identity_is_made_again_with_its_keys(house: House) -> None:
    mine = key(house)["keyId"]
    house.call("identities.deleteIdentity", {"identity": "org_1"})
    house.clock.advance(60)

    found = look(house)

    assert ("identity", "there", "gone") in found
    assert house.identity("org_1") is not None
    assert key(house)["keyId"] == mine


def test_what_was_written_a_moment_ago_is_not_taken_for_an_edit(house: House) -> None:
    """A replica that lags shows the state before our own write."""
    house.accept(makers.organization(version=2 * SECOND), makers.customer(metadata={"org_id": "org_1"}))
    house.call("identities.updateIdentity", {"identity": "org_1", "ratelimits": []})
    with house.ledger.transaction() as tx:
        row = tx.identities.load(["org_1"])["org_1"]
        tx.identities.save([replace(row, observed=replace(row.observed, written_at=house.clock.now()))])

    found = look(house)

    assert found == []
    after = house.identity("org_1")
    assert after is not None
    assert [limit["limit"] for limit in after["ratelimits"]] == [100]


def test_a_key_made_for_a_suspended_subject_is_found_and_disabled(house: House) -> None:
    house.accept(makers.organization(blocked="banned", version=5 * SECOND))
    house.settle()
    house.clock.advance(8 * 86_400)
    made = house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1"})["data"]["keyId"]

    look(house)

    assert house.call("keys.getKey", {"keyId": made})["data"]["enabled"] is False


def test_who_is_parked_is_left_alone_and_nobody_is_looked_at_too_early(house: House) -> None:
    assert Lookout(house.ledger, house.clock, 9 * DAY).run_once() == 0
    assert Lookout(house.ledger, house.clock, 0).run_once() == 0
    assert Lookout(house.ledger, house.clock, 7 * DAY).run_once() == 1
    assert Lookout(house.ledger, house.clock, 7 * DAY).run_once() == 0


def test_a_look_that_fails_is_made_again(house: House) -> None:
    failed: list[str] = []

    def fail_once(operation: str) -> None:
        if not failed:
            failed.append(operation)
            raise httpx.ConnectError("away")

    house.transport.before = fail_once
    house.call("keys.updateKey", {"keyId": key(house)["keyId"], "roles": []})

    assert look(house) == [("roles", "reader", "none")]

    assert failed == ["identities.getIdentity"]
