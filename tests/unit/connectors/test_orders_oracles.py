"""What vendors' own libraries know of one-time purchases, we know, too: every status, and every field that is read."""

from __future__ import annotations

import dataclasses
import typing
from importlib import import_module
from typing import Any

import pytest
from paddle_billing.Entities.Adjustment import Adjustment
from paddle_billing.Entities.Shared import Action, AdjustmentActionType, AdjustmentStatus, TransactionStatus
from paddle_billing.Entities.Transaction import Transaction
from paddle_billing.Notifications.Entities.Adjustment import Adjustment as NotifiedAdjustment
from paddle_billing.Notifications.Entities.Transaction import Transaction as NotifiedTransaction
from stripe import Charge, LineItem, PaymentIntent
from stripe.checkout import Session
from stripe.params.checkout import SessionListParams
from unkey_sync_connectors.event import ORDER_STATUSES, EventOp

from tests.unit.connectors.natives import native, payload
from tests.unit.connectors.support import only, read, sample, stripe

POLAR_VERSIONS = ("v2026_04", "v2026_10", "v2027_01")


def literals(hint: Any) -> set[str]:
    """The texts that a type hint allows."""
    if typing.get_origin(hint) is typing.Literal:
        return set(typing.get_args(hint))
    return {text for inner in typing.get_args(hint) for text in literals(inner)}


def values(enum: Any) -> set[str]:
    """The texts of an enumeration of Paddle's library, which is none of Python's."""
    return {str(one) for name, one in vars(enum).items() if not name.startswith("_") and name[0].isupper()}


def changed(kind: str, event_type: str, **changes: Any) -> dict[str, Any]:
    body = payload(kind, event_type)
    return {**body, "data": {**body["data"], **changes}}


@pytest.mark.parametrize("version", POLAR_VERSIONS)
def test_every_status_and_reason_of_polars_library_is_known(version: str):
    known = import_module(f"polar.{version}.literals")
    shop = native("polar", orders=True)

    statuses = literals(known.OrderStatus)
    assert {only(shop, changed("polar", "order.paid", status=one)).body["status"] for one in statuses} == set(
        ORDER_STATUSES
    )
    reasons = literals(known.OrderBillingReason)
    told = {one: only(shop, changed("polar", "order.paid", billing_reason=one)).op for one in reasons}
    assert {one for one, op in told.items() if op is EventOp.UPSERT} == {"purchase"}


@pytest.mark.parametrize("version", POLAR_VERSIONS)
def test_what_is_read_of_polars_orders_is_in_its_library(version: str):
    order = import_module(f"polar.{version}.outputs").Order

    fields = {field.name for field in dataclasses.fields(order)}

    assert {
        "id",
        "status",
        "billing_reason",
        "product_id",
        "seats",
        "customer_id",
        "customer",
        "metadata",
    } <= fields


def test_every_status_of_paddles_library_is_known():
    shop = native("paddle", orders=True)
    statuses = values(TransactionStatus)

    told = [only(shop, changed("paddle", "transaction.completed", status=one)) for one in statuses]

    assert len(told) == 7
    assert {event.body["status"] for event in told} == {"pending", "paid"}


def test_paddles_library_has_the_words_that_make_a_refund():
    assert "refund" in values(Action)
    assert "approved" in values(AdjustmentStatus)
    assert "full" in values(AdjustmentActionType)
    assert {"action", "type", "status", "transaction_id", "subscription_id", "customer_id"} <= {
        field.name for field in dataclasses.fields(Adjustment)
    }
    assert "adjustments" in {field.name for field in dataclasses.fields(Transaction)}


def test_paddles_library_reads_our_adjustment_as_we_do():
    body = payload("paddle", "adjustment.updated")
    theirs = NotifiedAdjustment.from_dict(body["data"])

    ours = only(native("paddle", orders=True), body)

    assert ours.entity is not None
    assert ours.owner is not None
    assert (theirs.transaction_id, theirs.customer_id) == (ours.entity.id, ours.owner.id)
    assert str(theirs.action) == "refund"


@pytest.mark.parametrize("event_type", ["transaction.completed", "transaction.paid", "transaction.updated"])
def test_paddles_library_has_every_field_of_our_transactions(event_type: str):
    fields = {field.name for field in dataclasses.fields(NotifiedTransaction)}

    assert set(payload("paddle", event_type)["data"]) <= fields


def test_every_status_of_stripes_library_is_known():
    shop = stripe(orders=True)
    statuses = literals(Session.__annotations__["payment_status"])
    line = {"id": "li_1", "price": {"id": "price_1"}, "quantity": 1}

    told = [
        read(
            shop,
            sample(
                shop,
                "checkout.session.async_payment_succeeded",
                payment_status=one,
                line_items={"data": [line]},
            ),
        )
        for one in statuses
    ]

    assert len(told) == 3
    assert {bought.body["status"] for _, bought in told} == {"pending", "paid"}
    assert "payment" in literals(Session.__annotations__["mode"])


def test_what_is_asked_and_read_of_stripe_is_in_its_library():
    assert {"payment_intent", "expand"} <= set(SessionListParams.__annotations__)
    assert {"customer", "payment_intent", "line_items", "metadata", "client_reference_id"} <= set(
        Session.__annotations__
    )
    assert {"price", "quantity"} <= set(LineItem.__annotations__)
    assert {"refunded", "payment_intent", "customer"} <= set(Charge.__annotations__)
    assert "latest_charge" in PaymentIntent.__annotations__
