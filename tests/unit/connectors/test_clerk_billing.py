"""Clerk Billing: a payer's subscription is a container; every item in it is a subscription of ours."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import SUBSCRIPTION_STATUSES, Entity, EventOp, Kind

from tests.unit.connectors.support import clerk, only, read, sample

ORGANIZATION = Entity(Kind.ORGANIZATION, "org_2demoAcme0000000000000001")
ITEM = "csubitem_2demoPro0000000000001"
START = 1_767_225_700_000_000
END = START + 31 * 86_400_000_000


def item(**data: Any) -> dict[str, Any]:
    return sample(clerk(), "subscriptionItem.active", **data)


def test_an_item_says_what_is_paid_for_and_by_whom():
    event = only(clerk(), item())

    assert (event.op, event.entity, event.owner) == (
        EventOp.UPSERT,
        Entity(Kind.SUBSCRIPTION, ITEM),
        ORGANIZATION,
    )
    assert event.body == {
        "status": "active",
        "items": [
            {"product": "cplan_2demoPro000000000000001", "price": None, "lookup_key": "pro", "quantity": 5}
        ],
        "trial_end": None,
        "period_start": START,
        "period_end": END,
        "cancel_at_period_end": False,
        "cancel_at": None,
        "ended_at": None,
        "external_ref": None,
        "metadata": {},
    }


def test_a_container_gives_one_event_per_item():
    free, pro = read(clerk(), sample(clerk(), "subscription.updated"))

    assert free.delivery_id == pro.delivery_id
    assert (free.entity, pro.entity) == (
        Entity(Kind.SUBSCRIPTION, "csubitem_2demoFree000000000001"),
        Entity(Kind.SUBSCRIPTION, ITEM),
    )
    assert (free.owner, pro.owner) == (ORGANIZATION, ORGANIZATION)
    assert (free.body["status"], pro.body["status"]) == ("ended", "active")
    assert (free.rank, pro.rank) == (2, 1)


def test_items_without_a_version_take_the_containers_and_then_the_envelopes():
    payload = sample(clerk(), "subscription.active")
    payload["data"]["items"][0]["updated_at"] = None
    without = sample(clerk(), "subscription.active", updated_at=None)
    without["data"]["items"][0]["updated_at"] = None

    dated, undated = only(clerk(), payload), only(clerk(), without)

    assert dated.version == payload["data"]["updated_at"] * 1_000
    assert undated.version == without["timestamp"] * 1_000


def test_a_container_without_items_is_ignored_and_never_nothing():
    event = only(clerk(), sample(clerk(), "subscription.created", items=[]))

    assert event.op is EventOp.IGNORE


@pytest.mark.parametrize(
    "event_type",
    ["subscription.created", "subscription.updated", "subscription.active", "subscription.pastDue"],
)
def test_every_container_type_is_read(event_type: str):
    payload = sample(clerk(), "subscription.active")
    payload["type"] = event_type

    assert only(clerk(), payload).op is EventOp.UPSERT


@pytest.mark.parametrize(
    "what",
    [
        "created",
        "updated",
        "active",
        "canceled",
        "upcoming",
        "ended",
        "abandoned",
        "incomplete",
        "pastDue",
        "freeTrialEnding",
    ],
)
def test_every_item_type_is_read(what: str):
    payload = item()
    payload["type"] = f"subscriptionItem.{what}"

    assert only(clerk(), payload).op is EventOp.UPSERT


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        ("active", "active"),
        ("past_due", "past_due"),
        ("canceled", "canceled"),
        ("ended", "ended"),
        ("expired", "ended"),
        ("abandoned", "ended"),
        ("incomplete", "incomplete"),
        ("upcoming", "incomplete"),
    ],
)
def test_every_status_has_a_meaning(vendor: str, ours: str):
    event = only(clerk(), item(status=vendor))

    assert event.body["status"] == ours
    assert ours in SUBSCRIPTION_STATUSES


def test_an_unknown_status_is_never_guessed():
    with pytest.raises(Unusable, match=r"^data\.status is not a known value$"):
        read(clerk(), item(status="frozen"))


def test_a_cancelled_item_keeps_access_until_the_end_of_its_period():
    event = only(clerk(), sample(clerk(), "subscriptionItem.canceled"))

    assert event.body["status"] == "canceled"
    assert (event.body["cancel_at_period_end"], event.body["cancel_at"]) == (True, END)


def test_a_free_trial_is_trialing_until_the_end_of_its_period_and_only_while_active():
    trial = only(clerk(), item(is_free_trial=True))
    cancelled = only(clerk(), item(is_free_trial=True, status="canceled"))

    assert (trial.body["status"], trial.body["trial_end"]) == ("trialing", END)
    assert (cancelled.body["status"], cancelled.body["trial_end"]) == ("canceled", None)


def test_the_default_plan_has_no_end_and_is_active_like_any_other():
    event = only(clerk(), sample(clerk(), "subscription.created"))

    assert (event.body["status"], event.body["period_end"]) == ("active", None)
    assert event.body["items"][0]["lookup_key"] == "free_org"


@pytest.mark.parametrize(
    ("seats", "quantity"), [(None, None), ({"quantity": None}, None), ({"quantity": 12}, 12)]
)
def test_seats_without_a_number_are_unlimited(seats: dict[str, int | None] | None, quantity: int | None):
    assert only(clerk(), item(seats=seats)).body["items"][0]["quantity"] == quantity


def test_a_plan_may_be_named_inside_only():
    event = only(clerk(), item(plan_id=None))

    assert event.body["items"][0]["product"] == "cplan_2demoPro000000000000001"


@pytest.mark.parametrize(
    ("payer", "owner"),
    [
        ({"user_id": "", "organization_id": "org_1"}, Entity(Kind.ORGANIZATION, "org_1")),
        ({"user_id": "user_1", "organization_id": ""}, Entity(Kind.USER, "user_1")),
        ({"user_id": "user_1"}, Entity(Kind.USER, "user_1")),
        ({"user_id": None, "organization_id": "org_1"}, Entity(Kind.ORGANIZATION, "org_1")),
    ],
)
def test_the_payer_is_the_one_id_that_is_not_empty(payer: dict[str, str | None], owner: Entity):
    assert only(clerk(), item(payer=payer)).owner == owner


@pytest.mark.parametrize(
    "payer",
    [None, {}, {"user_id": "", "organization_id": ""}, {"user_id": "user_1", "organization_id": "org_1"}],
)
def test_an_item_without_one_payer_cannot_be_used(payer: dict[str, str] | None):
    with pytest.raises(Unusable, match="payer"):
        read(clerk(), item(payer=payer))
