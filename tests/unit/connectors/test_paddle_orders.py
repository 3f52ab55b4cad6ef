"""Paddle's one-time purchases: transactions that no subscription bills, and refunds."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import ORDER_STATUSES, Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, only, read
from tests.unit.connectors.test_natives_order import known_after

CUSTOMER = Entity(Kind.CUSTOMER, "ctm_01kdvdemoacme0000000000001")
ORDER = Entity(Kind.ORDER, "txn_01kdvdemo00000000000000002")
PATH = f"/transactions/{ORDER.id}"
PRICE = {"id": "pri_1", "product_id": "pro_1", "billing_cycle": None}
MONTHLY = {**PRICE, "billing_cycle": {"interval": "month", "frequency": 1}}
REFUND = {"id": "adj_1", "action": "refund", "type": "full", "status": "approved"}
SHOP = native("paddle", orders=True)


def told(event_type: str, **changes: Any) -> dict[str, Any]:
    body = payload("paddle", event_type)
    return {**body, "data": {**body["data"], **changes}}


def transaction(**changes: Any) -> dict[str, Any]:
    return told("transaction.completed", **changes)


def adjustment(**changes: Any) -> dict[str, Any]:
    return told("adjustment.updated", **changes)


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        ("draft", "pending"),
        ("ready", "pending"),
        ("billed", "pending"),
        ("past_due", "pending"),
        ("canceled", "pending"),
        ("paid", "paid"),
        ("completed", "paid"),
    ],
)
@pytest.mark.parametrize("what", ["completed", "paid", "canceled"])
def test_the_status_decides_and_never_the_type(vendor: str, ours: str, what: str):
    event = only(SHOP, {**transaction(status=vendor), "event_type": f"transaction.{what}"})

    assert (event.op, event.entity, event.owner) == (EventOp.UPSERT, ORDER, CUSTOMER)
    assert event.body == {
        "status": ours,
        "items": [
            {
                "product": "pro_01kdvdemocredits00000000001",
                "price": "pri_01kdvdemocredits00000000001",
                "lookup_key": None,
                "quantity": 2,
            }
        ],
        "external_ref": None,
        "metadata": {"org_id": "org_acme"},
    }
    assert ours in ORDER_STATUSES


@pytest.mark.parametrize(
    "changes",
    [
        {"subscription_id": "sub_1"},
        {"customer_id": None},
        # The first payment of a subscription: Paddle makes and names it only once that is through.
        {"items": [{"quantity": 1, "price": PRICE}, {"quantity": 1, "price": MONTHLY}]},
    ],
)
@pytest.mark.parametrize("what", ["completed", "updated"])
def test_what_a_subscription_bills_or_nobody_pays_is_ignored(changes: dict[str, Any], what: str):
    body = {**transaction(**changes, status="unheard_of"), "event_type": f"transaction.{what}"}

    assert only(SHOP, body).op is EventOp.IGNORE


@pytest.mark.parametrize(("status", "op"), [("completed", EventOp.SIGNAL), ("ready", EventOp.UPSERT)])
def test_an_update_of_what_was_paid_does_not_say_whether_it_was_refunded(status: str, op: EventOp):
    event = only(SHOP, {**transaction(status=status), "event_type": "transaction.updated"})

    assert (event.op, event.entity, event.owner) == (op, ORDER, CUSTOMER)


@pytest.mark.parametrize("what", ["created", "updated"])
@pytest.mark.parametrize("status", ["approved", "pending_approval", "rejected"])
def test_a_refund_has_its_transaction_looked_up(what: str, status: str):
    event = only(SHOP, {**adjustment(status=status), "event_type": f"adjustment.{what}"})

    assert (event.op, event.entity, event.owner) == (EventOp.SIGNAL, ORDER, CUSTOMER)


def test_a_refund_need_not_name_the_customer():
    assert only(SHOP, adjustment(customer_id=None)).owner is None


@pytest.mark.parametrize(
    "changes", [{"action": "credit"}, {"action": "chargeback"}, {"subscription_id": "sub_1"}]
)
def test_another_adjustment_is_ignored(changes: dict[str, Any]):
    assert only(SHOP, adjustment(**changes)).op is EventOp.IGNORE


@pytest.mark.parametrize("what", ["created", "billed", "ready", "past_due", "payment_failed"])
def test_other_events_of_transactions_are_ignored(what: str):
    assert only(SHOP, {**transaction(), "event_type": f"transaction.{what}"}).op is EventOp.IGNORE


@pytest.mark.parametrize("body", [transaction(status="unheard_of"), adjustment(action=7)])
def test_where_nobody_sells_credits_all_of_it_is_ignored(body: dict[str, Any]):
    assert only(native("paddle"), body).op is EventOp.IGNORE


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (transaction(status="shipped"), "status is not a known value"),
        (transaction(items={}), "items is not a list"),
        (transaction(items=[{"price": "pri_1"}]), r"billing_cycle is not inside an object"),
        (transaction(items=[{"price": {**PRICE, "billing_cycle": 1}}]), "billing_cycle is not an object"),
        (transaction(items=[{"quantity": 1}]), "price.id is missing"),
        (transaction(items=[{"price": PRICE, "quantity": "1"}]), "quantity is not an integer"),
        (transaction(subscription_id=7), "subscription_id is not a text"),
        (transaction(adjustments=7), "adjustments is not a list"),
        (adjustment(action=7), "action is not a text"),
        (adjustment(transaction_id=None), "transaction_id is missing"),
    ],
)
def test_what_cannot_be_understood_is_parked(body: dict[str, Any], reason: str):
    with pytest.raises(Unusable, match=reason):
        read(SHOP, body)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "paid"),
        ({"adjustments": []}, "paid"),
        ({"adjustments": [REFUND]}, "refunded"),
        ({"adjustments": [{**REFUND, "type": "partial"}, REFUND]}, "refunded"),
        ({"adjustments": [{**REFUND, "type": "partial"}]}, "paid"),
        ({"adjustments": [{**REFUND, "status": "pending_approval"}]}, "paid"),
        ({"adjustments": [{**REFUND, "action": "credit"}]}, "paid"),
        ({"adjustments": [REFUND], "status": "canceled"}, "pending"),
    ],
)
def test_a_transaction_is_fetched_with_its_adjustments(changes: dict[str, Any], status: str):
    api = Answers({PATH: {"data": transaction(**changes)["data"], "meta": {}}})

    found = SHOP.fetch(api, ORDER, None)

    assert (found.op, found.entity, found.owner) == (EventOp.UPSERT, ORDER, CUSTOMER)
    assert (found.body["status"], api.asked[0].params) == (status, {"include": "adjustments"})
    assert found.version == only(SHOP, transaction()).version - 100_000


@pytest.mark.parametrize("answers", [{}, {PATH: {"data": transaction(subscription_id="sub_1")["data"]}}])
def test_what_is_no_purchase_is_deleted(answers: dict[str, Any]):
    gone = SHOP.fetch(Answers(answers), ORDER, CUSTOMER)

    assert (gone.op, gone.entity, gone.owner, gone.terminal) == (EventOp.DELETE, ORDER, CUSTOMER, False)


def test_other_objects_are_fetched_without_adjustments():
    api = Answers({f"/customers/{CUSTOMER.id}": {"data": payload("paddle", "customer.created")["data"]}})

    SHOP.fetch(api, CUSTOMER, None)

    assert api.asked[0].params == {}


def test_a_refund_leaves_a_doubt_in_every_order():
    events = [
        read(SHOP, payload("paddle", f"transaction.{what}")) for what in ("updated", "paid", "completed")
    ]
    events.append(read(SHOP, payload("paddle", "adjustment.updated")))

    for order in permutations(events):
        assert known_after(order)[ORDER].doubt
    assert not known_after(events[:3])[ORDER].doubt


def test_the_feed_says_the_same_as_the_notifications_and_is_asked_for_no_more_than_needed():
    odd = {**transaction(status="shipped"), "event_id": "evt_odd"}
    strange = {**adjustment(action=7), "event_id": "evt_strange"}
    api = Answers({"/events": {"data": [transaction(), odd, strange], "meta": {}}})

    (page,) = SHOP.catch_up(api, NOW, None)
    list(native("paddle").catch_up(api, NOW, None))

    assert [(event.op, event.entity) for event in page.events] == [
        (EventOp.UPSERT, ORDER),
        (EventOp.SIGNAL, ORDER),
        (EventOp.SIGNAL, ORDER),
    ]
    asked = [set(one.params["event_type"].split(",")) for one in api.asked]
    assert asked[0] - asked[1] == {
        "transaction.completed",
        "transaction.paid",
        "transaction.updated",
        "transaction.canceled",
        "adjustment.created",
        "adjustment.updated",
    }
