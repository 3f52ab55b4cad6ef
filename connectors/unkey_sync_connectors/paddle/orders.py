"""Paddle's one-time purchases: transactions that no subscription bills, and what was given back of them.

A transaction with a price that recurs is a subscription's, even before it names one: Paddle makes the subscription
only once the first payment is through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import Entity, Event, Kind, OrderBody
from unkey_sync_connectors.paddle import bodies

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields

_PAID = "paid"
_STATUSES = {
    "draft": "pending",
    "ready": "pending",
    "billed": "pending",
    "past_due": "pending",
    "canceled": "pending",
    "paid": _PAID,
    "completed": _PAID,
}


def transaction(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    """A purchase; the blank event where a subscription bills, or nobody is named."""
    owner, items = _owner(data), data.each("items")
    if owner is None or _is_billed_by_a_subscription(data, items):
        return blank
    status = data.choice("status", _STATUSES)
    body = OrderBody(
        status="refunded" if status == _PAID and _is_refunded(data) else status,
        items=[bodies.item(item) for item in items],
        external_ref=None,
        metadata=data.chosen_texts("custom_data", keys),
    )
    return statements.order(blank, order_entity(data), body, owner)


def updated(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    """As `transaction`, for the one event that may follow a refund: it does not say whether one did."""
    said = transaction(blank, data, keys)
    return (
        statements.signal(blank, order_entity(data), said.owner) if said.body.get("status") == _PAID else said
    )


def adjustment(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    """A refund, asked for or decided on: its transaction must be looked up."""
    if data.text_or_none("action") != "refund" or data.id_or_none("subscription_id"):
        return blank
    return statements.signal(blank, adjusted_entity(data), _owner(data))


def order_entity(data: Fields) -> Entity:
    return Entity(Kind.ORDER, data.id("id"))


def adjusted_entity(data: Fields) -> Entity:
    return Entity(Kind.ORDER, data.id("transaction_id"))


def _owner(data: Fields) -> Entity | None:
    customer = data.id_or_none("customer_id")
    return Entity(Kind.CUSTOMER, customer) if customer else None


def _is_billed_by_a_subscription(data: Fields, items: list[Fields]) -> bool:
    recurring = (item.fields_or_none("price.billing_cycle") is not None for item in items)
    return data.id_or_none("subscription_id") is not None or any(recurring)


def _is_refunded(data: Fields) -> bool:
    """As the API shows it, with its adjustments included; a notification does not say."""
    return any(
        (one.text_or_none("action"), one.text_or_none("status"), one.text_or_none("type"))
        == ("refund", "approved", "full")
        for one in data.each("adjustments")
    )
