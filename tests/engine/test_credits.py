"""Credits through the whole service: bought once, given once, kept over plans, rotations, refunds and lost answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.handover.slots import to_revoked, to_rotated, turn
from unkey_sync.model import AT_ONCE, Slot
from unkey_sync.policy import read_policy

from tests import makers
from tests.house import API_ID, House

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

POLICY = """
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
key.credits = { remaining = 100, refill = { interval = "monthly", amount = 100, day = 1 } }
[[plans]]
name = "team"
rank = 5
match = [{ source = "stripe", lookup_key = "team" }]
key.credits = { remaining = 1000, on_change = "CHANGE" }
key.trial_credits = { remaining = 20 }
[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro" }]
[[top_ups]]
match = [{ source = "stripe", price = "price_1000" }]
credits = 1000
[[keys]]
slot = "default"
"""
DEFAULT = Slot("default")


@pytest.fixture
def house(ledger: Ledger) -> House:
    return furnished(ledger)


def furnished(ledger: Ledger, change: str = "reset") -> House:
    text = POLICY.replace("CHANGE", change).encode()
    house = House(ledger, read_policy(parse_document(text, "test.toml")))
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    house.settle()
    return house


def keys(house: House) -> list[dict[str, Any]]:
    return list(house.call("apis.listKeys", {"apiId": API_ID, "externalId": "org_1"})["data"])


def balance(house: House) -> int | None:
    (key,) = [one for one in keys(house) if one["enabled"]]
    return key.get("credits", {}).get("remaining")  # type: ignore[no-any-return]


def spend(house: House, number: int) -> None:
    (key,) = [one for one in keys(house) if one["enabled"]]
    body = {"keyId": key["keyId"], "operation": "decrement", "value": number}
    house.call("keys.updateCredits", body)
    house.clock.advance(31)


def say(house: House, plan: str, version: int, status: str = "active") -> None:
    house.accept(makers.subscription(lookup_key=plan, status=status, version=version * makers.SECOND))
    house.settle()
    house.clock.advance(31)
    house.settle()


def buy(house: House, name: str = "ord_1", **changes: Any) -> None:
    house.accept(makers.order(name, **changes))
    house.settle()
    house.clock.advance(31)
    house.settle()


def test_what_is_bought_is_added_once_however_often_it_is_said(house: House) -> None:
    buy(house, quantity=2)
    buy(house, quantity=2)
    buy(house, "ord_2")

    assert balance(house) == 100 + 2000 + 1000
    assert keys(house)[0]["credits"]["refill"]["amount"] == 100


def test_an_order_that_is_not_paid_yet_gives_nothing(house: House) -> None:
    buy(house, status="pending")
    before = balance(house)
    buy(house, status="paid", version=2 * makers.SECOND)

    assert (before, balance(house)) == (100, 1100)


def test_a_refund_takes_back_what_was_given_and_never_more(house: House) -> None:
    buy(house)
    spend(house, 900)

    buy(house, status="refunded", version=2 * makers.SECOND)
    buy(house, status="refunded", version=3 * makers.SECOND)

    assert balance(house) == 0


def test_an_order_that_was_refunded_before_it_was_seen_gives_nothing(house: House) -> None:
    buy(house, status="refunded", version=2 * makers.SECOND)
    buy(house)

    assert balance(house) == 100


def test_bought_credits_outlive_every_plan(house: House) -> None:
    buy(house)
    say(house, "team", 2)
    team = balance(house)
    say(house, "pro", 3)
    unlimited = keys(house)[0]
    say(house, "team", 4, status="ended")

    assert team == 2000
    assert "credits" not in unlimited
    assert balance(house) == 1100


def test_what_is_bought_on_an_unlimited_plan_waits_for_a_limited_one(house: House) -> None:
    say(house, "pro", 2)
    buy(house)
    unlimited = keys(house)[0]

    say(house, "team", 3)

    assert "credits" not in unlimited
    assert balance(house) == 2000


@pytest.mark.parametrize(("change", "after"), [("reset", 1000), ("carry", 930)])
def test_a_change_in_the_middle_of_a_month(ledger: Ledger, change: str, after: int) -> None:
    house = furnished(ledger, change)
    spend(house, 70)

    say(house, "team", 2)

    assert balance(house) == after


def test_a_trial_has_credits_of_its_own(house: House) -> None:
    say(house, "team", 2, status="trialing")
    trial = balance(house)
    say(house, "team", 3)

    assert (trial, balance(house)) == (20, 1000)


def rotate(house: House, overlap_until: int) -> None:
    with house.ledger.transaction() as tx:
        now = house.clock.now()
        assert turn(tx, "org_1", DEFAULT, lambda seen, slot: to_rotated(seen, slot, overlap_until), now)
    house.settle()


def test_bought_credits_follow_a_rotation_once_the_old_key_has_ended(house: House) -> None:
    buy(house)
    spend(house, 300)
    house.clock.advance(1)
    rotate(house, house.clock.now() + 3600 * makers.SECOND)
    overlapping = sorted(key["credits"]["remaining"] for key in keys(house))

    house.clock.advance(3700)
    house.settle()
    house.clock.advance(40)
    house.settle()
    new = max(keys(house), key=lambda key: key["createdAt"])

    assert overlapping == [100, 800]
    assert new["credits"]["remaining"] == 900


def test_what_followed_a_rotation_is_counted_once_and_its_old_key_stays_known(house: House) -> None:
    buy(house)
    old = keys(house)[0]["keyId"]
    house.clock.advance(1)
    rotate(house, house.clock.now() + 60 * makers.SECOND)
    for _ in range(3):
        house.clock.advance(100)
        house.settle()
    buy(house, "ord_2")
    say(house, "team", 2)

    with house.ledger.transaction() as tx:
        known = {key.key_id: key for key in tx.identities.load(["org_1"])["org_1"].observed.keys or ()}
    new = next(key for key in keys(house) if key["keyId"] != old)
    assert new["credits"]["remaining"] == 1000 + 2000
    assert (known[old].generation, known[old].prepaid) == (1, 0)


def test_bought_credits_survive_a_revoked_slot(house: House) -> None:
    buy(house)
    with house.ledger.transaction() as tx:
        turn(tx, "org_1", DEFAULT, to_revoked, house.clock.now())
    house.settle()
    house.clock.advance(40)
    rotate(house, AT_ONCE)
    house.clock.advance(40)
    house.settle()

    assert balance(house) == 1100


def test_bought_credits_are_owed_when_others_delete_the_key(house: House) -> None:
    buy(house)
    (key,) = keys(house)
    house.call("keys.deleteKey", {"keyId": key["keyId"], "permanent": True})
    house.clock.advance(60)

    say(house, "team", 2)
    house.clock.advance(40)
    house.settle()

    assert balance(house) == 2000


@pytest.mark.parametrize("lost", range(4))
def test_a_lost_answer_gives_nothing_twice(house: House, lost: int) -> None:
    seen: list[str] = []

    def lose_one(operation: str) -> None:
        if operation.startswith("keys."):
            seen.append(operation)
            if len(seen) == lost + 1:
                raise httpx.ReadError("the answer is lost")

    house.transport.after = lose_one
    buy(house)
    buy(house, "ord_2")
    house.clock.advance(700)
    house.settle()

    assert len(seen) > lost
    assert balance(house) == 2100
    assert len([key for key in keys(house) if key["enabled"]]) == 1


def test_a_worker_that_dies_after_the_grant_gives_nothing_twice(house: House) -> None:
    died: list[str] = []

    def die_once(operation: str) -> None:
        if operation == "keys.updateKey" and not died:
            died.append(operation)
            raise SystemExit

    house.transport.after = die_once
    house.accept(makers.order())
    house.work_and_die()
    given = balance(house)
    house.clock.advance(61)
    buy(house, "ord_0")

    assert (died, given) == (["keys.updateKey"], 1100)
    house.clock.advance(40)
    house.settle()
    assert balance(house) == 2100


def test_rejoining_after_a_deletion_gives_nothing_twice(house: House) -> None:
    buy(house)
    house.accept(makers.deleted(makers.organization(), terminal=False, version=5 * makers.SECOND))
    house.settle()
    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()
    house.clock.advance(40)
    house.settle()

    assert balance(house) == 100


def test_when_nothing_changes_nothing_is_called(house: House) -> None:
    buy(house)
    calls = len(house.transport.calls)

    with house.ledger.transaction() as tx:
        tx.subjects.mark_page_due("", 10, 0)
    house.settle()

    assert len(house.transport.calls) == calls
