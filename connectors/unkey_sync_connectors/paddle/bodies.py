"""Paddle's objects as events, wherever they came from: notification, event feed or API.

Amounts of money are never read. Field names are those of Paddle's API reference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import (
    CustomerBody,
    Entity,
    Event,
    Kind,
    SubscriptionBody,
    SubscriptionItem,
)

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields

_STATUSES = {
    "active": "active",
    "trialing": "trialing",
    "past_due": "past_due",
    "paused": "paused",
    "canceled": "ended",
    "inactive": "ended",
}
"""Paddle's `canceled` is our `ended`: what is cancelled at period end stays `active` until then."""


def customer(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    """A customer; archived ones too, as they may still pay."""
    body = CustomerBody(external_ref=None, metadata=data.chosen_texts("custom_data", keys))
    return statements.upsert(blank, customer_entity(data), {**body})


def subscription(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    status = data.choice("status", _STATUSES)
    items = [one for one in data.each("items") if one.text_or_none("status") != "inactive"]
    change = data.text_or_none("scheduled_change.action")
    effective_at = data.us_or_none("scheduled_change.effective_at")
    cancel = change == "cancel"
    body = SubscriptionBody(
        status=status,
        items=[item(one) for one in items],
        trial_end=max((us for one in items if (us := one.us_or_none("trial_dates.ends_at"))), default=None),
        period_start=data.us_or_none("current_billing_period.starts_at"),
        period_end=data.us_or_none("current_billing_period.ends_at"),
        cancel_at_period_end=cancel,
        cancel_at=effective_at if cancel else None,
        ended_at=data.us_or_none("canceled_at") if status == "ended" else None,
        external_ref=None,
        metadata=data.chosen_texts("custom_data", keys),
    )
    if change == "pause" and effective_at is not None:
        body["pause_at"] = effective_at
    owner = Entity(Kind.CUSTOMER, data.id("customer_id"))
    event = statements.upsert(blank, subscription_entity(data), {**body}, owner)
    return replace(event, rank=2) if status == "ended" else event


def customer_entity(data: Fields) -> Entity:
    return Entity(Kind.CUSTOMER, data.id("id"))


def subscription_entity(data: Fields) -> Entity:
    return Entity(Kind.SUBSCRIPTION, data.id("id"))


def observed_at(blank: Event, data: Fields) -> Event:
    """What the API shows is dated by its own last change; a notification's date is always a little later."""
    return statements.dated(blank, data.instant_or_none("updated_at"))


def item(row: Fields) -> SubscriptionItem:
    """Old payloads and some lists have no `product`; the price names it as well."""
    return SubscriptionItem(
        product=row.id_or_none("price.product_id") or row.id_or_none("product.id"),
        price=row.id("price.id"),
        lookup_key=None,
        quantity=row.integer_or_none("quantity"),
    )
