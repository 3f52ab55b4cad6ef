"""Stripe's objects as events, wherever they came from: webhook, event feed or API.

Understands what API versions 2020-08-27 to 2026 write, since the endpoint's version decides, not ours. Field
names are those of Stripe's API reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import (
    CheckoutBody,
    CustomerBody,
    EntitlementsBody,
    Entity,
    Event,
    EventOp,
    Kind,
    SubscriptionBody,
    SubscriptionItem,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.payload import Fields

_STATUSES = {
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "paused": "paused",
    "incomplete": "incomplete",
    "incomplete_expired": "ended",
    "canceled": "ended",
}
"""Stripe's `canceled` is our `ended`: what is cancelled at period end stays `active` until then."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose object it is. `connected`: a Connect account's id, or "" for our own account."""

    connected: str
    live: bool

    @property
    def mode(self) -> str:
        return "live" if self.live else "test"

    @property
    def name(self) -> str:
        """`live` or `test`; `acct_1/live` for a connected account."""
        return f"{self.connected}/{self.mode}" if self.connected else self.mode

    def entity(self, kind: Kind, object_id: str) -> Entity:
        """Connected accounts are worlds of their own: the same id in two of them is two objects."""
        return Entity(kind, f"{self.connected}/{object_id}" if self.connected else object_id)

    def check(self, config: SourceConfig) -> None:
        """Raises Unusable when another account is configured. A bare mode admits all accounts in it."""
        if config.account not in ("", self.mode, self.name):
            raise Unusable("livemode or account is not the configured one")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the objects of one delivery share: the event to fill in, the account, the metadata keys kept."""

    blank: Event
    account: Account
    keys: frozenset[str]


def customer(reading: Reading, o: Fields) -> Event:
    """A customer; as the API writes it, a deleted one is a stub that says so."""
    entity = reading.account.entity(Kind.CUSTOMER, o.id("id"))
    if o.flag("deleted"):
        return deleted(reading.blank, entity)
    body = CustomerBody(external_ref=None, metadata=o.chosen_texts("metadata", reading.keys))
    return replace(reading.blank, op=EventOp.UPSERT, entity=entity, body={**body})


def customer_deleted(reading: Reading, o: Fields) -> Event:
    """The webhook still carries the whole customer."""
    return deleted(reading.blank, reading.account.entity(Kind.CUSTOMER, o.id("id")))


def deleted(blank: Event, entity: Entity) -> Event:
    return replace(blank, op=EventOp.DELETE, entity=entity, terminal=True, rank=2)


def subscription(reading: Reading, o: Fields, items: Sequence[Fields] | None = None) -> Event:
    """A subscription. `items`: all of them, where they were listed; a truncated list makes this a signal."""
    over = reading.blank.type == "customer.subscription.deleted"
    status = "ended" if over else o.choice("status", _STATUSES)
    if items is None and o.flag("items.has_more") and status != "ended":
        return signal(reading, Kind.SUBSCRIPTION, o.id("id"), customer_of(reading, o))
    items = o.each("items.data") if items is None else items
    body = SubscriptionBody(
        status=status,
        items=[item(one) for one in items],
        trial_end=o.us_or_none("trial_end"),
        period_start=_period(o, items, "current_period_start", min),
        period_end=_period(o, items, "current_period_end", max),
        cancel_at_period_end=o.flag("cancel_at_period_end"),
        cancel_at=o.us_or_none("cancel_at"),
        ended_at=o.us_or_none("ended_at"),
        external_ref=None,
        metadata=o.chosen_texts("metadata", reading.keys),
    )
    return replace(
        reading.blank,
        op=EventOp.UPSERT,
        entity=reading.account.entity(Kind.SUBSCRIPTION, o.id("id")),
        owner=reading.account.entity(Kind.CUSTOMER, o.reference("customer")),
        # An ended subscription never revives: resubscribing makes a new one.
        terminal=status == "ended",
        rank=2 if status == "ended" else reading.blank.rank,
        body={**body},
    )


def entitlements(reading: Reading, o: Fields, features: Sequence[Fields] | None = None) -> Event:
    """A customer's entitlement set. `features`: all of them, where they were listed."""
    customer_id = o.reference("customer")
    owner = reading.account.entity(Kind.CUSTOMER, customer_id)
    if features is None and o.flag("entitlements.has_more"):
        return signal(reading, Kind.ENTITLEMENTS, customer_id, owner)
    features = o.each("entitlements.data") if features is None else features
    body = EntitlementsBody(features=sorted(feature.text("lookup_key") for feature in features))
    entity = reading.account.entity(Kind.ENTITLEMENTS, customer_id)
    return replace(reading.blank, op=EventOp.UPSERT, entity=entity, owner=owner, body={**body})


def checkout(reading: Reading, o: Fields) -> Event:
    """A completed checkout. One without a customer ties nobody to anything."""
    owner = customer_of(reading, o)
    if owner is None:
        return reading.blank
    body = CheckoutBody(
        client_reference_id=o.id_or_none("client_reference_id"),
        metadata=o.chosen_texts("metadata", reading.keys),
    )
    entity = reading.account.entity(Kind.CHECKOUT, o.id("id"))
    return replace(reading.blank, op=EventOp.UPSERT, entity=entity, owner=owner, body={**body})


def signal(reading: Reading, kind: Kind, object_id: str, owner: Entity | None = None) -> Event:
    entity = reading.account.entity(kind, object_id)
    return replace(reading.blank, op=EventOp.SIGNAL, entity=entity, owner=owner)


def customer_of(reading: Reading, o: Fields) -> Entity | None:
    customer_id = o.reference_or_none("customer")
    return reading.account.entity(Kind.CUSTOMER, customer_id) if customer_id else None


def item(row: Fields) -> SubscriptionItem:
    """Price of an item, or of a line of a checkout; the oldest versions know a plan only."""
    price = row.fields_or_none("price") or row.fields("plan")
    return SubscriptionItem(
        product=price.reference_or_none("product"),
        price=price.id("id"),
        lookup_key=price.text_or_none("lookup_key"),
        quantity=row.integer_or_none("quantity"),
    )


def _period(
    o: Fields, items: Sequence[Fields], name: str, pick: Callable[[Iterable[int]], int]
) -> int | None:
    """Since version 2025-03-31 periods belong to items; of several, access lasts to the latest end."""
    found = [us for item in items if (us := item.us_or_none(name)) is not None]
    return pick(found) if found else o.us_or_none(name)
