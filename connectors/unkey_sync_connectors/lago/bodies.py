"""Lago's objects as events, wherever they came from: webhook or API.

Customers are named by `external_id`, as Lago's API asks for it; subscriptions by `lago_id`, because an upgrade
keeps the external id and makes a new one. Field names are those of Lago's OpenAPI document.
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
    SubscriptionBody,
    SubscriptionItem,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync_connectors.payload import Fields

_STATUSES = {
    "pending": "incomplete",
    "incomplete": "incomplete",
    "active": "active",
    "terminated": "ended",
    "canceled": "ended",
}
_RANKS = {"incomplete": 0, "active": 1, "ended": 2}

_STEPS = (
    "created_at",
    "started_at",
    "activated_at",
    "current_billing_period_started_at",
    "terminated_at",
    "canceled_at",
)
"""What has happened to a subscription, never what is planned: the latest of these dates is its version."""


def customer(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    external_id = data.id("external_id")
    body = CustomerBody(external_ref=external_id, metadata=_metadata(data, keys))
    dated = statements.dated(blank, data.instant_or_none("updated_at"))
    return statements.upsert(dated, customer_entity(data), {**body})


def subscription(blank: Event, data: Fields) -> Event:
    """A subscription. Changes that move none of its dates are ties, and ties are fetched."""
    status = data.choice("status", _STATUSES)
    ending_at = data.us_or_none("ending_at")
    owner = owner_of(data)
    item = SubscriptionItem(product=None, price=None, lookup_key=data.id("plan_code"), quantity=None)
    body = SubscriptionBody(
        status=status,
        items=[item],
        trial_end=None,
        period_start=data.us_or_none("current_billing_period_started_at"),
        period_end=data.us_or_none("current_billing_period_ending_at"),
        cancel_at_period_end=False,
        cancel_at=ending_at,
        ended_at=data.us_or_none("terminated_at") or data.us_or_none("canceled_at"),
        external_ref=owner.id,
        metadata={},
    )
    event = statements.upsert(at_last_step(blank, data), subscription_entity(data), {**body}, owner)
    return replace(event, rank=_RANKS[status], terminal=status == "ended")


def entitlements(blank: Event, data: Fields, features: Sequence[Fields]) -> Event:
    """The features of one subscription, which go with it."""
    entity, owner = Entity(Kind.ENTITLEMENTS, data.id("lago_id")), owner_of(data)
    dated = at_last_step(blank, data)
    if data.choice("status", _STATUSES) == "ended":
        return statements.delete(dated, entity, terminal=True, owner=owner)
    body = EntitlementsBody(features=sorted(feature.text("code") for feature in features))
    return statements.upsert(dated, entity, {**body}, owner)


def at_last_step(blank: Event, data: Fields) -> Event:
    """Dated by the last thing that happened to a subscription, which itself has no date of change."""
    dates = (data.instant_or_none(name) for name in _STEPS)
    return statements.dated(blank, max((date for date in dates if date), default=None))


def customer_entity(data: Fields) -> Entity:
    return Entity(Kind.CUSTOMER, data.id("external_id"))


def subscription_entity(data: Fields) -> Entity:
    return Entity(Kind.SUBSCRIPTION, data.id("lago_id"))


def owner_of(data: Fields) -> Entity:
    return Entity(Kind.CUSTOMER, data.id("external_customer_id"))


def _metadata(data: Fields, keys: frozenset[str]) -> dict[str, str]:
    """Lago writes metadata as a list of key and value."""
    found = ((row.text_or_none("key"), row.text_or_none("value")) for row in data.each("metadata"))
    return {key: value for key, value in found if key in keys and value is not None}
