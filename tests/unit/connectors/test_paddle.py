"""Paddle: what its payloads mean, and what its API shows."""

from __future__ import annotations

from typing import Any

import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import SUBSCRIPTION_STATUSES, Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, only, read
from tests.unit.connectors.test_natives_order import known_after

CUSTOMER = Entity(Kind.CUSTOMER, "ctm_01kdvdemoacme0000000000001")
SUBSCRIPTION = Entity(Kind.SUBSCRIPTION, "sub_01kdvdemopro00000000000001")


def changed(event_type: str, **changes: Any) -> dict[str, Any]:
    body = payload("paddle", event_type)
    return {**body, "data": {**body["data"], **changes}}


def listed(*rows: dict[str, Any], following: str = "", more: bool = False) -> dict[str, Any]:
    url = f"https://api.paddle.com/customers?after={following}&per_page=200"
    return {"data": list(rows), "meta": {"pagination": {"per_page": 200, "next": url, "has_more": more}}}


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        ("active", "active"),
        ("trialing", "trialing"),
        ("past_due", "past_due"),
        ("paused", "paused"),
        ("canceled", "ended"),
        ("inactive", "ended"),
    ],
)
def test_the_status_decides_and_never_the_type(vendor: str, ours: str):
    event = only(native("paddle"), changed("subscription.updated", status=vendor))

    assert event.body["status"] == ours
    assert ours in SUBSCRIPTION_STATUSES


def test_fractions_of_three_and_six_digits_are_ordered_by_time():
    early = {**payload("paddle", "subscription.activated"), "occurred_at": "2026-01-01T00:01:00.123Z"}
    late = {**payload("paddle", "subscription.updated"), "occurred_at": "2026-01-01T00:01:00.123456Z"}

    assert only(native("paddle"), early).version < only(native("paddle"), late).version


def test_a_scheduled_cancellation_keeps_access_until_it_takes_effect():
    event = only(native("paddle"), payload("paddle", "subscription.updated"))

    assert (event.body["status"], event.body["cancel_at_period_end"]) == ("active", True)
    assert event.body["cancel_at"] == event.body["period_end"]


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_another_scheduled_change_is_no_cancellation(action: str):
    change = {"action": action, "effective_at": "2026-02-01T00:00:00Z"}
    event = only(native("paddle"), changed("subscription.updated", scheduled_change=change))

    assert (event.body["cancel_at_period_end"], event.body["cancel_at"]) == (False, None)


def test_a_late_update_does_not_undo_a_cancellation():
    told = [
        read(native("paddle"), payload("paddle", f"subscription.{what}")) for what in ("canceled", "updated")
    ]

    assert known_after(told)[SUBSCRIPTION].body["status"] == "ended"


def test_items_need_no_product_and_inactive_ones_do_not_count():
    price = {"id": "pri_1", "product_id": None}
    items = [
        {"status": "inactive", "price": {"id": "pri_0"}},
        {"status": "trialing", "price": price, "product": {"id": "pro_1"}, "quantity": 2,
         "trial_dates": {"ends_at": "2026-01-15T00:00:00Z"}},
        {"status": "active", "price": {"id": "pri_2", "product_id": "pro_2"}},
    ]  # fmt: skip

    event = only(native("paddle"), changed("subscription.updated", items=items))

    assert [(item["product"], item["price"], item["quantity"]) for item in event.body["items"]] == [
        ("pro_1", "pri_1", 2),
        ("pro_2", "pri_2", None),
    ]
    assert event.body["trial_end"] == 1_768_435_200_000_000


def test_an_event_sent_to_two_destinations_is_one_delivery():
    body = payload("paddle", "subscription.updated")

    assert only(native("paddle"), body) == only(native("paddle"), {**body, "notification_id": "ntf_other"})


def test_simulated_events_are_an_account_of_their_own():
    body = {**payload("paddle", "customer.created"), "event_id": "ntfsimevt_1"}

    assert only(native("paddle"), body).account == "simulation"
    with pytest.raises(Unusable, match="event_id"):
        read(native("paddle", account="live"), body)


@pytest.mark.parametrize(
    ("entity", "path", "event_type"),
    [
        (CUSTOMER, f"/customers/{CUSTOMER.id}", "customer.updated"),
        (SUBSCRIPTION, f"/subscriptions/{SUBSCRIPTION.id}", "subscription.updated"),
    ],
)
def test_an_object_is_fetched_by_its_id_and_dated_by_its_last_change(
    entity: Entity, path: str, event_type: str
):
    told = only(native("paddle"), payload("paddle", event_type))
    api = Answers({path: {"data": payload("paddle", event_type)["data"], "meta": {}}})

    found = native("paddle").fetch(api, entity, None)
    gone = native("paddle").fetch(Answers({}), entity, CUSTOMER)

    assert (found.op, found.entity, found.body) == (EventOp.UPSERT, entity, told.body)
    assert told.version - 100_000 < found.version < told.version
    assert (gone.op, gone.entity, gone.owner) == (EventOp.DELETE, entity, CUSTOMER)


def test_catalogue_entries_are_not_fetched():
    assert native("paddle").fetch(Answers({}), Entity(Kind.CATALOGUE, "pro_1"), None).op is EventOp.IGNORE


def test_a_backfill_lists_customers_and_subscriptions_and_goes_on_after_any_page():
    customer = payload("paddle", "customer.created")["data"]
    subscription = payload("paddle", "subscription.updated")["data"]

    def customers(params: dict[str, Any]) -> dict[str, Any]:
        if "after" in params:
            return listed({**customer, "id": "ctm_2"}, following="ctm_2")
        return listed(customer, following=CUSTOMER.id, more=True)

    api = Answers(
        {"/customers": customers, "/subscriptions": listed(subscription, {**subscription, "items": 7})}
    )

    whole = list(native("paddle").pages(api, None))

    assert [len(page.events) for page in whole] == [1, 1, 2]
    assert [event.op for event in whole[-1].events] == [EventOp.UPSERT, EventOp.SIGNAL]
    assert api.asked[1].params["after"] == CUSTOMER.id
    for number, page in enumerate(whole[:-1], start=1):
        assert list(native("paddle").pages(api, page.checkpoint)) == whole[number:]


def test_the_feed_says_the_same_as_the_notifications_oldest_first():
    rows = [
        payload("paddle", "subscription.updated"),
        payload("paddle", "customer.created"),
        {**changed("subscription.paused", status="frozen"), "event_id": "evt_x"},
        {**payload("paddle", "product.updated"), "event_id": "evt_y", "data": {"id": 7}},
    ]
    api = Answers({"/events": listed(*rows)})

    (page,) = native("paddle").catch_up(api, NOW, None)
    list(native("paddle").catch_up(api, 0, str(NOW)))

    assert [(event.op, event.type) for event in page.events] == [
        (EventOp.UPSERT, "customer.created"),
        (EventOp.IGNORE, "product.updated"),
        (EventOp.UPSERT, "subscription.updated"),
        (EventOp.SIGNAL, "subscription.paused"),
    ]
    assert page.events[0] == only(native("paddle"), rows[1])
    assert api.asked[0].params == api.asked[1].params
    assert api.asked[0].params["from"] == "2025-12-31T23:59:00.000Z"


def test_an_empty_feed_is_one_empty_page():
    (page,) = native("paddle").catch_up(Answers({"/events": listed()}), NOW, None)

    assert (list(page.events), page.last) == ([], True)
