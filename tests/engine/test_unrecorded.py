"""A worker did something and died before it wrote it down: whatever is wanted next, Unkey becomes exactly that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.engine.catalogue import keep_roles
from unkey_sync.policy import read_policy

from tests import makers
from tests.house import API_ID, House
from tests.properties.fleet import claim

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

POLICY = b"""
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
key.credits = { remaining = 100, refill = { interval = "monthly", amount = 100, day = 1 } }
[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro_monthly" }]
identity.ratelimits = [{ name = "requests", limit = 1000, duration = "1m", auto_apply = true }]
key.roles = ["pro"]
[roles]
pro = ["export.read"]
[[keys]]
slot = "default"
[lifecycle]
deleted = { disable = "now", erase_after = "ERASE" }
"""


def build(ledger: Ledger, erase_after: str = "0s") -> House:
    document = POLICY.replace(b"ERASE", erase_after.encode())
    house = House(ledger, read_policy(parse_document(document, "test.toml")))
    keep_roles(house.client, house.policy.roles)
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    house.settle()
    return house


@pytest.fixture
def house(ledger: Ledger) -> House:
    return build(ledger)


def keys(house: House) -> list[dict[str, Any]]:
    return list(house.call("apis.listKeys", {"apiId": API_ID})["data"])


def key_of_theirs(house: House) -> str:
    return str(house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1"})["data"]["keyId"])


def is_enabled(house: House, key_id: str) -> bool:
    return bool(house.call("keys.getKey", {"keyId": key_id})["data"]["enabled"])


def turn_unrecorded(house: House) -> list[str]:
    """What was called by a worker of which nothing else remains."""
    before = len(house.transport.calls)
    house.work_and_die()
    house.clock.advance(61)
    return house.transport.calls[before:]


def test_an_upgrade_nobody_wrote_down_does_not_outlive_its_plan(house: House) -> None:
    house.accept(makers.subscription())
    made = turn_unrecorded(house)

    house.accept(makers.subscription(status="paused", version=5 * makers.SECOND))
    house.settle()

    (key,) = keys(house)
    assert made[-2:] == ["keys.updateKey", "keys.setRoles"]
    assert key["credits"]["remaining"] == 100
    assert "roles" not in key


@pytest.mark.parametrize("recorded", [0, 1, 2])
def test_a_suspension_whose_worker_dies_is_lifted_for_every_key_it_took(house: House, recorded: int) -> None:
    key_of_theirs(house)
    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    for _ in range(recorded):
        house.committer.commit([house.performer.run(work) for work in claim(house)])
    turn_unrecorded(house)
    taken = [key for key in keys(house) if not key["enabled"]]

    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    assert len(taken) == recorded
    assert [key["enabled"] for key in keys(house)] == [True, True]


def test_a_key_that_its_owner_switched_off_stays_off_whoever_dies(house: House) -> None:
    theirs = key_of_theirs(house)
    house.call("keys.updateKey", {"keyId": theirs, "enabled": False})
    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    house.committer.commit([house.performer.run(work) for work in claim(house)])
    turn_unrecorded(house)

    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    assert not is_enabled(house, theirs)
    assert sorted(key["enabled"] for key in keys(house)) == [False, True]


def test_a_subject_that_comes_back_after_its_removal_has_a_key_under_its_limits(house: House) -> None:
    gone = makers.deleted(makers.organization(), terminal=False)
    house.accept(gone)
    house.settle()
    removed = house.identity("org_1")

    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    usable = [key for key in keys(house) if key["enabled"]]
    assert removed is None
    assert [key["identity"].get("externalId") for key in usable] == ["org_1"]
    assert usable[0]["identity"]["ratelimits"][0]["limit"] == 100


def test_a_subject_that_comes_back_while_it_is_retained_is_on_its_present_plan(ledger: Ledger) -> None:
    house = build(ledger, "30d")
    house.accept(makers.subscription())
    made = turn_unrecorded(house)
    today = house.clock.now()
    house.accept(makers.deleted(makers.organization(), terminal=False, version=today))
    house.settle()
    house.accept(makers.subscription(status="paused", version=today))

    house.accept(makers.organization(version=today + makers.SECOND))
    house.settle()

    identity = house.identity("org_1")
    assert "identities.updateIdentity" in made
    assert identity is not None
    assert identity["ratelimits"][0]["limit"] == 100
    assert identity["meta"]["sync"]["plan"] == "free"
    assert [key["enabled"] for key in keys(house)] == [True]


def test_a_deletion_of_somebody_we_never_met_finds_the_keys_of_the_customers_own_code(house: House) -> None:
    body = {"apiId": API_ID, "externalId": "org_old"}
    theirs = house.call("keys.createKey", body)["data"]["key"]

    house.accept(makers.deleted(makers.organization("org_old")))
    house.settle()

    assert house.call("keys.verifyKey", {"key": theirs})["data"]["code"] == "NOT_FOUND"
    assert house.identity("org_old") is None


def test_a_key_whose_identity_others_deleted_is_put_under_the_new_one(house: House) -> None:
    house.clock.advance(3600)
    house.call("identities.deleteIdentity", {"identity": "org_1"})

    house.accept(makers.subscription())
    house.settle()

    enabled = [key for key in keys(house) if key["enabled"]]
    assert [key["identity"].get("externalId") for key in enabled] == ["org_1"]
