"""The life of a customer, through inbox, engine and sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.configfile import parse_document
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
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro_monthly" }]
identity.ratelimits = [{ name = "requests", limit = 1000, duration = "1m", auto_apply = true }]
identity.meta = { support = "priority" }
"""


@pytest.fixture
def house(ledger: Ledger) -> House:
    return House(ledger, read_policy(parse_document(POLICY, "test.toml")))


def limits(house: House, subject: str = "org_1") -> list[int]:
    identity = house.identity(subject)
    assert identity is not None
    return [limit["limit"] for limit in identity.get("ratelimits", [])]


def test_a_sign_up_becomes_an_identity_on_the_default_plan(house: House) -> None:
    house.accept(makers.organization())

    house.settle()

    assert limits(house) == [100]
    assert house.transport.mutations == ["identities.createIdentity"]


def test_an_upgrade_changes_limits_and_meta_in_one_call(house: House) -> None:
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    house.settle()

    house.accept(makers.subscription())
    house.settle()

    identity = house.identity("org_1")
    assert identity is not None
    assert limits(house) == [1000]
    assert identity["meta"]["support"] == "priority"
    assert house.transport.mutations == ["identities.createIdentity", "identities.updateIdentity"]


def test_a_second_look_calls_nobody(house: House) -> None:
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}), makers.subscription())
    house.settle()
    calls = len(house.transport.calls)

    with house.ledger.transaction() as tx:
        tx.subjects.mark_due({"org_1": 0})
    house.settle()

    assert len(house.transport.calls) == calls


def test_meta_fields_of_others_survive_our_changes(house: House) -> None:
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    house.settle()
    identity = house.identity("org_1")
    assert identity is not None
    house.call(
        "identities.updateIdentity", {"identity": "org_1", "meta": {**identity["meta"], "theirs": [1, 2]}}
    )

    house.accept(makers.subscription())
    house.settle()

    changed = house.identity("org_1")
    assert changed is not None
    assert changed["meta"]["theirs"] == [1, 2]


def test_an_identity_that_exists_already_is_adopted(house: House) -> None:
    house.call("identities.createIdentity", {"externalId": "org_1", "meta": {"theirs": 1}})

    house.accept(makers.organization())
    house.settle()

    identity = house.identity("org_1")
    assert identity is not None
    assert identity["meta"]["theirs"] == 1
    assert limits(house) == [100]


def test_a_deleted_customer_keeps_no_working_key_and_no_identity(house: House) -> None:
    house.accept(makers.organization())
    house.settle()
    key = house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1"})["data"]

    house.accept(makers.deleted(makers.organization()))
    house.settle()

    assert house.identity("org_1") is None
    assert house.call("keys.verifyKey", {"key": key["key"]})["data"]["code"] == "NOT_FOUND"
    keys_first = [one for one in house.transport.mutations if one.startswith(("keys.", "identities.delete"))]
    assert keys_first == ["keys.updateKey", "keys.deleteKey", "identities.deleteIdentity"]


def test_what_others_wrote_about_a_removed_customer_is_forgotten_with_it(house: House) -> None:
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    house.settle()
    sync = house.identity("org_1")["meta"]["sync"]  # type: ignore[index]
    house.call("identities.updateIdentity", {"identity": "org_1", "meta": {"note": "zebra", "sync": sync}})
    house.accept(makers.subscription())
    house.settle()
    before = operations(house)

    house.accept(makers.deleted(makers.organization()))
    house.settle()

    assert "zebra" in str(before)
    assert "zebra" not in str(operations(house))
    assert [one["call"] for one in operations(house)][: -len(before)]
    with house.ledger.transaction() as tx:
        assert tx.identities.load(["org_1"])["org_1"].observed.meta == {}


def operations(house: House) -> list[dict[str, Any]]:
    with house.ledger.transaction() as tx:
        return tx.identities.operations_of("org_1")


def test_a_key_that_appears_during_a_removal_is_found(house: House) -> None:
    house.accept(makers.organization())
    house.settle()
    house.accept(makers.deleted(makers.organization()))
    house.work()
    late = house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1"})["data"]

    house.settle()

    assert house.identity("org_1") is None
    assert house.call("keys.verifyKey", {"key": late["key"]})["data"]["code"] == "NOT_FOUND"


def test_a_banned_customer_is_suspended_and_comes_back(house: House) -> None:
    house.accept(makers.organization())
    house.settle()
    key = house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1"})["data"]
    off = house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1", "enabled": False})["data"]

    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    house.settle()
    banned = house.call("keys.verifyKey", {"key": key["key"]})["data"]["code"]
    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    assert banned == "DISABLED"
    assert house.call("keys.verifyKey", {"key": key["key"]})["data"]["code"] == "VALID"
    assert house.call("keys.verifyKey", {"key": off["key"]})["data"]["code"] == "DISABLED"


def test_a_delete_that_overtakes_the_creation_leaves_nothing(house: House) -> None:
    house.accept(makers.deleted(makers.organization()), makers.organization())

    house.settle()

    assert house.identity("org_1") is None
    assert house.transport.mutations == []


def test_an_unknown_plan_parks_its_event_and_downgrades_nobody(house: House) -> None:
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}), makers.subscription())
    house.settle()

    house.accept(makers.subscription("sub_2", "unheard_of"))
    house.settle()

    with house.ledger.transaction() as tx:
        parked = tx.events.page(state="parked", source=None, limit=10)
    assert limits(house) == [1000]
    assert [row["reason"] for row in parked] == [
        "unknown plan: stripe subscription sub_2 (lookup_key=unheard_of product=prod_1 price=price_1)"
    ]
