"""One-time purchases of generic sources."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, EventOp, Kind

from tests.unit.connectors.generic.support import generic, only, problem, read
from tests.unit.connectors.test_natives_order import known_after

ORDER = Entity(Kind.ORDER, "o-1")
STATUS = {"map": "order.state", "to": {"new": "pending", "ok": "paid", "back": "refunded", "odd": "shipped"}}
PURCHASE: dict[str, Any] = {
    "types": ["order.*"],
    "entity": "order",
    "id": "order.id",
    "owner": {"id": "order.buyer"},
    "body": {
        "status": STATUS,
        "items": {"each": "order.lines", "price": "@item.price", "quantity": "@item.n"},
        "external_ref": "order.buyer",
        "metadata": "order.meta",
    },
}


def shop(**changes: Any) -> dict[str, Any]:
    return {"rules": {"purchase": {**PURCHASE, **changes}}}


def document(state: str = "ok", at: str = "2026-01-01T00:00:00Z", **changes: Any) -> dict[str, Any]:
    lines = [{"price": "p", "n": "2"}, {"n": 1}]
    order = {
        "id": "o-1",
        "buyer": "org_1",
        "state": state,
        "lines": lines,
        "meta": {"org_id": "org_1", "x": "y"},
    }
    return {"type": "order.created", "timestamp": at, "order": {**order, **changes}}


def test_an_order_has_all_its_fields():
    event = only(shop(), document(), orders=True, metadata_keys=frozenset({"org_id"}))

    assert (event.op, event.entity) == (EventOp.UPSERT, ORDER)
    assert event.owner == Entity(Kind.CUSTOMER, "org_1")
    assert event.body == {
        "status": "paid",
        "items": [{"product": None, "price": "p", "lookup_key": None, "quantity": 2}],
        "external_ref": "org_1",
        "metadata": {"org_id": "org_1"},
    }


def test_where_nobody_sells_credits_rules_for_orders_say_nothing():
    customer = {"types": ["order.*"], "entity": "customer", "id": "order.buyer"}
    options = {"rules": {**shop()["rules"], "customer": customer}}

    assert only(shop(), document("odd")).op is EventOp.IGNORE
    assert [event.entity for event in read(options, document("odd"))] == [Entity(Kind.CUSTOMER, "org_1")]
    assert len(read(options, document(), orders=True)) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "odd"}, "purchase.body.status: map(order.state) is none of paid, pending, refunded"),
        ({"state": "?"}, "purchase.body.status: map(order.state) is not a known value"),
        ({"state": None}, "purchase.body.status: map(order.state) is missing"),
        ({"buyer": None}, "purchase.owner.id: order.buyer is missing"),
        ({"lines": {}}, "purchase.body.items.each: order.lines is not a list"),
    ],
)
def test_an_order_that_cannot_be_understood_is_parked(changes: dict[str, Any], reason: str):
    with pytest.raises(Unusable) as caught:
        read(shop(), document(**changes), orders=True)

    assert caught.value.reason == reason


def test_an_order_needs_a_status_and_somebody_who_pays():
    without_owner = {name: value for name, value in PURCHASE.items() if name != "owner"}

    assert problem(shop(body={})) == (
        ("rules", "purchase", "body", "status"),
        "is required",
    )
    assert problem({"rules": {"purchase": without_owner}})[0] == ("rules", "purchase", "owner")


def test_a_source_of_orders_says_nothing_of_people():
    assert not generic(shop(), orders=True).auth


def test_of_what_is_said_in_one_instant_the_later_step_of_an_orders_life_counts():
    told = [read(shop(), document(state), orders=True) for state in ("new", "ok", "back")]

    for order in permutations(told):
        assert known_after(order)[ORDER].body["status"] == "refunded"
    assert [event.rank for (event,) in told] == [0, 1, 2]


def test_an_order_can_be_deleted():
    gone = {"types": ["order.created"], "entity": "order", "op": "delete", "id": "order.id"}

    event = only({"rules": {"gone": gone}}, document(), orders=True)

    assert (event.op, event.entity, event.rank) == (EventOp.DELETE, ORDER, 2)
