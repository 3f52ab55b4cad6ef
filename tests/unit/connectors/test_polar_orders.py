"""Polar's one-time purchases."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import orjson
import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import ORDER_STATUSES, Entity, EventOp, Kind

from tests.unit.connectors.natives import Answers, native, payload
from tests.unit.connectors.support import NOW, only, read
from tests.unit.connectors.test_natives_order import known_after

CUSTOMER = Entity(Kind.CUSTOMER, "0b0e4f3a-8d53-4c0c-9a39-5d6d7c000001")
ORDER = Entity(Kind.ORDER, "e0d1c2b3-0000-4000-8000-000000000001")
PATH = f"/v1/orders/{ORDER.id}"
CREDITS = "9c1e6a4b-3b5c-4a77-9e76-21d0de000009"
SHOP = native("polar", orders=True)


def paid(**changes: Any) -> dict[str, Any]:
    body = payload("polar", "order.paid")
    return {**body, "data": {**body["data"], **changes}}


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        ("draft", "pending"),
        ("pending", "pending"),
        ("void", "pending"),
        ("paid", "paid"),
        ("partially_refunded", "paid"),
        ("refunded", "refunded"),
    ],
)
def test_the_status_decides_and_never_the_type(vendor: str, ours: str):
    event = only(SHOP, {**paid(status=vendor, seats=4), "type": "order.updated"})

    assert (event.op, event.entity, event.owner) == (EventOp.UPSERT, ORDER, CUSTOMER)
    assert event.body == {
        "status": ours,
        "items": [{"product": CREDITS, "price": None, "lookup_key": None, "quantity": 4}],
        "external_ref": "org_acme",
        "metadata": {"org_id": "org_acme"},
    }
    assert ours in ORDER_STATUSES


@pytest.mark.parametrize(
    "reason", ["subscription_create", "subscription_cycle", "subscription_update", "something_new", None]
)
def test_an_order_that_a_subscription_bills_is_ignored(reason: str | None):
    assert only(SHOP, paid(billing_reason=reason, status="unheard_of")).op is EventOp.IGNORE


def test_where_nobody_sells_credits_orders_are_ignored():
    assert only(native("polar"), paid(status="unheard_of")).op is EventOp.IGNORE


def test_an_order_without_a_product_or_a_customer_of_ours_says_so():
    event = only(SHOP, paid(product_id=None, customer=None))

    assert (event.body["items"], event.body["external_ref"]) == ([], None)


@pytest.mark.parametrize(
    "changes",
    [{"status": "shipped"}, {"status": None}, {"customer_id": None}, {"billing_reason": 7}, {"seats": "4"}],
)
def test_an_order_that_cannot_be_understood_is_parked(changes: dict[str, Any]):
    with pytest.raises(Unusable, match=next(iter(changes))):
        read(SHOP, paid(**changes))


def test_a_refunded_order_stays_refunded_in_every_order():
    told = [read(SHOP, payload("polar", f"order.{what}")) for what in ("created", "paid", "refunded")]

    assert {known_after(order)[ORDER].body["status"] for order in permutations(told)} == {"refunded"}


def test_of_a_payment_and_a_refund_in_one_instant_the_refund_counts():
    refund = {**payload("polar", "order.refunded"), "timestamp": paid()["timestamp"]}

    for order in permutations([read(SHOP, paid()), read(SHOP, refund)]):
        assert known_after(order)[ORDER].body["status"] == "refunded"


def test_an_order_is_fetched_by_its_id():
    found = SHOP.fetch(Answers({PATH: paid(status="refunded")["data"]}), ORDER, None)

    assert (found.op, found.entity, found.owner) == (EventOp.UPSERT, ORDER, CUSTOMER)
    assert (found.body["status"], found.version) == ("refunded", NOW)


@pytest.mark.parametrize("answers", [{}, {PATH: paid(billing_reason="subscription_cycle")["data"]}])
def test_what_is_no_purchase_is_deleted(answers: dict[str, Any]):
    gone = SHOP.fetch(Answers(answers), ORDER, CUSTOMER)

    assert (gone.op, gone.entity, gone.owner, gone.version) == (EventOp.DELETE, ORDER, CUSTOMER, NOW)


@pytest.mark.parametrize(("orders", "ops"), [(True, ["signal", "upsert"]), (False, ["ignore", "ignore"])])
def test_the_feed_says_the_same_as_the_webhooks(orders: bool, ops: list[str]):
    texts = {"e1": paid(), "e2": paid(status="shipped")}
    rows = [
        {"webhook_event": {"id": one, "payload": orjson.dumps(text).decode()}} for one, text in texts.items()
    ]
    api = Answers({"/v1/webhooks/deliveries": {"items": rows}})

    (page,) = native("polar", orders=orders).catch_up(api, NOW, None)

    assert sorted(event.op.value for event in page.events) == ops
