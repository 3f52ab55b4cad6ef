"""Polar's objects as events, wherever they came from: webhook or API.

A subscription looks the same in its own events and inside a customer's state, so that either may be the newer
one: what only one of them holds (prices, names) is left out. Field names are those of Polar's OpenAPI document.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import (
    CustomerBody,
    EntitlementsBody,
    Entity,
    Event,
    Kind,
    OrderBody,
    SubscriptionBody,
    SubscriptionItem,
)

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields

_STATUSES = {
    "incomplete": "incomplete",
    "incomplete_expired": "ended",
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "paused": "paused",
    "canceled": "ended",
}
"""Polar's `canceled` is our `ended`: what is cancelled at period end stays `active` until it is revoked."""


_ORDER_STATUSES = {
    "draft": "pending",
    "pending": "pending",
    "void": "pending",
    "paid": "paid",
    "partially_refunded": "paid",
    "refunded": "refunded",
}


def customer(blank: Event, data: Fields, keys: frozenset[str]) -> list[Event]:
    body = CustomerBody(
        external_ref=data.id_or_none("external_id"), metadata=data.chosen_texts("metadata", keys)
    )
    return [statements.upsert(blank, customer_entity(data), {**body})]


def customer_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> list[Event]:
    return [statements.delete(blank, customer_entity(data), terminal=True)]


def customer_state(blank: Event, data: Fields, keys: frozenset[str]) -> list[Event]:
    """A customer with what is live of it. What is not listed is over, but its own event says so."""
    owner, external_ref = customer_entity(data), data.id_or_none("external_id")
    live = data.each("active_subscriptions")
    granted = data.each("granted_benefits")
    return [
        *customer(blank, data, keys),
        *(_subscription(blank, one, (owner, external_ref), keys) for one in live),
        *(_grant(blank, one, owner) for one in granted),
    ]


def subscription(blank: Event, data: Fields, keys: frozenset[str]) -> list[Event]:
    external_ref = data.id_or_none("customer.external_id")
    return [_subscription(blank, data, (customer_of(data), external_ref), keys)]


def benefit_grant(blank: Event, data: Fields, _keys: frozenset[str]) -> list[Event]:
    """One grant of one benefit. Another grant of the same benefit lives on when this one is revoked."""
    owner = customer_of(data)
    if data.flag("is_revoked") or blank.type == "benefit_grant.revoked":
        return [statements.delete(blank, grant_entity(data), owner=owner)]
    return [_grant(blank, data, owner)]


def order(blank: Event, data: Fields, keys: frozenset[str]) -> list[Event]:
    """A one-time purchase; nothing where a subscription bills."""
    if data.text_or_none("billing_reason") != "purchase":
        return []
    product = data.id_or_none("product_id")
    quantity = data.integer_or_none("seats")
    item = SubscriptionItem(product=product, price=None, lookup_key=None, quantity=quantity)
    body = OrderBody(
        status=data.choice("status", _ORDER_STATUSES),
        items=[item] if product else [],
        external_ref=data.id_or_none("customer.external_id"),
        metadata=data.chosen_texts("metadata", keys),
    )
    return [statements.order(blank, order_entity(data), body, customer_of(data))]


def customer_entity(data: Fields) -> Entity:
    return Entity(Kind.CUSTOMER, data.id("id"))


def customer_of(data: Fields) -> Entity:
    return Entity(Kind.CUSTOMER, data.id("customer_id"))


def subscription_entity(data: Fields) -> Entity:
    return Entity(Kind.SUBSCRIPTION, data.id("id"))


def order_entity(data: Fields) -> Entity:
    return Entity(Kind.ORDER, data.id("id"))


def grant_entity(data: Fields) -> Entity:
    return Entity(Kind.ENTITLEMENTS, data.id("id"))


def _subscription(
    blank: Event, data: Fields, payer: tuple[Entity, str | None], keys: frozenset[str]
) -> Event:
    status = data.choice("status", _STATUSES)
    owner, external_ref = payer
    body = SubscriptionBody(
        status=status,
        items=[_item(data)],
        trial_end=data.us_or_none("trial_end"),
        period_start=data.us_or_none("current_period_start"),
        period_end=data.us_or_none("current_period_end"),
        cancel_at_period_end=data.flag("cancel_at_period_end"),
        cancel_at=data.us_or_none("ends_at"),
        ended_at=data.us_or_none("ended_at"),
        external_ref=external_ref,
        metadata=data.chosen_texts("metadata", keys),
    )
    event = statements.upsert(blank, subscription_entity(data), {**body}, owner)
    return replace(event, rank=2) if status == "ended" else event


def _item(data: Fields) -> SubscriptionItem:
    quantity = data.integer_or_none("seats")
    return SubscriptionItem(
        product=data.id("product_id"),
        price=None,
        lookup_key=None,
        quantity=data.integer_or_none("units") if quantity is None else quantity,
    )


def _grant(blank: Event, data: Fields, owner: Entity) -> Event:
    body = EntitlementsBody(features=[data.id("benefit_id")])
    return statements.upsert(blank, grant_entity(data), {**body}, owner)
