"""Stripe's subscriptions in all API versions, their ends, and what happens within one second."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from unkey_sync import facts
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import SUBSCRIPTION_STATUSES, Entity, Event, EventOp, Kind

from tests.unit.connectors.support import SECOND, only, read, sample, stripe

CUSTOMER = Entity(Kind.CUSTOMER, "cus_DemoAcme000001")
SUBSCRIPTION = Entity(Kind.SUBSCRIPTION, "sub_1DemoAcme000000001")
START = 1_768_435_210
END = START + 31 * 86_400


def updated(**changes: Any) -> dict[str, Any]:
    return sample(stripe(), "customer.subscription.updated", **changes)


def items(*rows: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"items": {"object": "list", "data": list(rows), "has_more": has_more}}


def row(price: str, **changes: Any) -> dict[str, Any]:
    return {
        "price": {"id": price, "product": "prod_1", "lookup_key": price.upper()},
        "quantity": 1,
        **changes,
    }


def test_a_subscription_says_what_is_paid_for_and_until_when():
    event = only(stripe(), updated(cancel_at=END))

    assert (event.op, event.entity, event.owner) == (EventOp.UPSERT, SUBSCRIPTION, CUSTOMER)
    assert (event.terminal, event.rank, event.resolution) == (False, 1, SECOND)
    assert event.body == {
        "status": "active",
        "items": [
            {
                "product": "prod_DemoPro0000001",
                "price": "price_1DemoScaleMonth001",
                "lookup_key": "scale_monthly",
                "quantity": 8,
            }
        ],
        "trial_end": START * SECOND,
        "period_start": START * SECOND,
        "period_end": END * SECOND,
        "cancel_at_period_end": False,
        "cancel_at": END * SECOND,
        "ended_at": None,
        "external_ref": None,
        "metadata": {"org_id": "org_2demoAcme0000000000000001"},
    }


@pytest.mark.parametrize(
    "what",
    [
        "created",
        "updated",
        "paused",
        "resumed",
        "trial_will_end",
        "pending_update_applied",
        "pending_update_expired",
        "something_new",
    ],
)
def test_every_subscription_type_is_an_upsert(what: str):
    payload = updated()
    payload["type"] = f"customer.subscription.{what}"

    event = only(stripe(), payload)

    assert (event.op, event.body["status"]) == (EventOp.UPSERT, "active")


@pytest.mark.parametrize(
    ("vendor", "ours", "terminal"),
    [
        ("trialing", "trialing", False),
        ("active", "active", False),
        ("past_due", "past_due", False),
        ("unpaid", "past_due", False),
        ("paused", "paused", False),
        ("incomplete", "incomplete", False),
        ("incomplete_expired", "ended", True),
        ("canceled", "ended", True),
    ],
)
def test_every_status_has_a_meaning(vendor: str, ours: str, terminal: bool):
    event = only(stripe(), updated(status=vendor))

    assert (event.body["status"], event.terminal) == (ours, terminal)
    assert ours in SUBSCRIPTION_STATUSES


def test_an_unknown_status_is_never_guessed():
    with pytest.raises(Unusable, match=r"^data\.object\.status is not a known value$") as caught:
        read(stripe(), updated(status="frozen"))

    assert caught.value.delivery_id == "evt_1Demo0000000000000013"
    assert caught.value.event_type == "customer.subscription.updated"


@pytest.mark.parametrize("status", ["canceled", "active", "something_new"])
def test_a_deleted_subscription_has_ended_for_good_whatever_its_status_says(status: str):
    event = only(stripe(), sample(stripe(), "customer.subscription.deleted", status=status))

    assert (event.op, event.terminal, event.rank) == (EventOp.UPSERT, True, 2)
    assert event.body["status"] == "ended"
    assert event.body["ended_at"] == END * SECOND


def test_paused_collection_is_not_a_paused_subscription():
    event = only(stripe(), updated(pause_collection={"behavior": "void", "resumes_at": None}))

    assert event.body["status"] == "active"


@pytest.mark.parametrize(
    "customer", ["cus_9", {"id": "cus_9", "object": "customer", "email": "ada@example.com"}]
)
def test_the_customer_may_be_an_id_or_the_object(customer: object):
    event = only(stripe(), updated(customer=customer))

    assert event.owner == Entity(Kind.CUSTOMER, "cus_9")


def test_a_subscription_of_nobody_cannot_be_used():
    with pytest.raises(Unusable, match=r"data\.object\.customer is missing"):
        read(stripe(), updated(customer=None))


def test_before_basil_the_period_belongs_to_the_subscription():
    event = only(stripe(), updated(current_period_start=5, current_period_end=9, **items(row("p_1"))))

    assert (event.body["period_start"], event.body["period_end"]) == (5 * SECOND, 9 * SECOND)


def test_since_basil_periods_belong_to_items_and_access_lasts_to_the_latest_end():
    both = items(
        row("p_1", current_period_start=3, current_period_end=7),
        row("p_2", current_period_start=2, current_period_end=8),
    )

    event = only(stripe(), updated(current_period_end=99, **both))

    assert (event.body["period_start"], event.body["period_end"]) == (2 * SECOND, 8 * SECOND)
    assert [item["lookup_key"] for item in event.body["items"]] == ["P_1", "P_2"]


@pytest.mark.parametrize("period", [(), (None,)])
def test_a_subscription_without_any_period_has_none(period: tuple[None, ...]):
    event = only(stripe(), updated(**items(*(row("p_1", current_period_end=end) for end in period))))

    assert (event.body["period_start"], event.body["period_end"]) == (None, None)


@pytest.mark.parametrize("price", [{}, {"price": None}])
def test_old_versions_know_a_plan_only(price: dict[str, None]):
    plan = {"plan": {"id": "gold", "product": {"id": "prod_2"}}, "quantity": None}

    event = only(stripe(), updated(**items({**plan, **price})))

    assert event.body["items"] == [
        {"product": "prod_2", "price": "gold", "lookup_key": None, "quantity": None}
    ]


def test_an_item_without_any_price_cannot_be_used():
    with pytest.raises(Unusable, match=r"items\.data\[0\]\.plan is missing"):
        read(stripe(), updated(**items({"quantity": 1})))


def test_a_truncated_item_list_must_be_fetched():
    event = only(stripe(), updated(**items(row("p_1"), has_more=True)))

    assert (event.op, event.entity, event.owner, event.body) == (EventOp.SIGNAL, SUBSCRIPTION, CUSTOMER, {})


def test_an_end_is_an_end_however_many_items_there_were():
    event = only(stripe(), updated(status="canceled", **items(row("p_1"), has_more=True)))

    assert (event.op, event.terminal) == (EventOp.UPSERT, True)


# How these events merge, in every order


def merged(events: tuple[Event, ...]) -> facts.Register:
    return facts.join_all(facts.from_event(event, event.delivery_id) for event in events)


def at(payload: dict[str, Any], event_id: str, created: int) -> Event:
    return only(stripe(), {**payload, "id": event_id, "created": created})


def test_of_two_changes_within_one_second_neither_is_believed_until_the_object_is_read():
    pair = (
        at(updated(), "evt_1", START),
        at(updated(**items(row("p_2"))), "evt_2", START),
    )

    outcomes = [merged(order) for order in itertools.permutations(pair)]

    assert outcomes[0] == outcomes[1]
    assert outcomes[0].doubt


def test_a_late_update_does_not_revive_a_deleted_subscription():
    ended = at(sample(stripe(), "customer.subscription.deleted"), "evt_1", END)
    late = at(updated(), "evt_2", END - 1)
    same_second = at(updated(), "evt_3", END)

    outcomes = [merged(order) for order in itertools.permutations((ended, late, same_second))]

    assert all(outcome.body["status"] == "ended" for outcome in outcomes)
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_a_thin_event_after_its_snapshot_asks_for_the_object():
    snapshot = only(stripe(), updated())
    thin = only(stripe(), sample(stripe(), "v1.customer.subscription.updated"))

    outcomes = [merged(order) for order in itertools.permutations((snapshot, thin))]

    assert outcomes[0] == outcomes[1]
    assert outcomes[0].doubt
