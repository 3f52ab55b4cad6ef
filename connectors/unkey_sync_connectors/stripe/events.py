"""Stripe's events: snapshot and thin, from a webhook, a cloud provider's queue, or the event feed.

Source: Stripe's event types reference. Types that the tables do not name are ignored.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Event, EventOp, Kind
from unkey_sync_connectors.payload import Fields, naming, read_object
from unkey_sync_connectors.stripe import bodies, orders
from unkey_sync_connectors.stripe.bodies import Account, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync_connectors.base import Delivery, SourceConfig

_SNAPSHOT = "event"
_THIN = "v2.core.event"
_RANKS = {"created": 0, "deleted": 2}


def read_delivery(config: SourceConfig, delivery: Delivery) -> list[Event]:
    """What one webhook or queue message says. Raises Malformed, Unusable."""
    return read_event(config, Fields(_unwrapped(read_object(delivery.body))))


def read_event(config: SourceConfig, envelope: Fields) -> list[Event]:
    """What one event says. Raises Unusable."""
    thin = envelope.text_or_none("object") == _THIN
    delivery_id = _delivery_id(envelope, thin)
    with naming(delivery_id):
        event_type = envelope.id("type")
    with naming(delivery_id, event_type):
        reading = _reading(config, envelope, delivery_id, event_type)
        return [_thin(reading, envelope)] if thin else _snapshot(reading, envelope, config)


def read_feed_event(config: SourceConfig, envelope: Fields) -> list[Event]:
    """The same for the feed, where nobody can park a delivery: what cannot be understood is to be fetched."""
    try:
        return read_event(config, envelope)
    except Unusable as problem:
        reading = _reading(config, envelope, envelope.id("id"), problem.event_type)
        kind = _kind(problem.event_type)
        object_id = envelope.id_or_none("data.object.id")
        found = [bodies.signal(reading, kind, object_id)] if kind and object_id else []
        if config.orders and problem.event_type in _ORDERS:
            with suppress(Unusable):
                found.append(orders.doubtful(reading, envelope.fields("data.object")))
        return found or [reading.blank]


def feed_types(config: SourceConfig) -> tuple[str, ...]:
    """What to ask the event feed for; it takes at most 20 types."""
    return _ORDER_FEED_TYPES if config.orders else _FEED_TYPES


def _unwrapped(data: dict[str, Any]) -> dict[str, Any]:
    """AWS EventBridge puts the event under `detail`, Azure Event Grid under `data` of a CloudEvent."""
    inner = data.get("detail") or (data.get("data") if "specversion" in data else None)
    return inner if isinstance(inner, dict) and data.get("object") != _SNAPSHOT else data


def _delivery_id(envelope: Fields, thin: bool) -> str:
    """A thin event and its snapshot twin are one delivery, so that subscribing to both is harmless."""
    with naming(None):
        twin = envelope.id_or_none("snapshot_event") if thin else None
        return twin or envelope.id("id")


def _reading(config: SourceConfig, envelope: Fields, delivery_id: str, event_type: str) -> Reading:
    if envelope.text_or_none("object") not in (_SNAPSHOT, _THIN):
        raise Unusable("object is not an event of Stripe")
    connected = envelope.id_or_none("account") or envelope.id_or_none("context") or ""
    account = Account(connected.rpartition("/")[2], envelope.flag("livemode"))
    account.check(config)
    created = envelope.instant("created")
    blank = Event(
        source=config.name,
        account=account.name,
        delivery_id=delivery_id,
        type=event_type,
        occurred_at=created.us,
        op=EventOp.IGNORE,
        version=created.us,
        resolution=created.tick,
        rank=_RANKS.get(event_type.rpartition(".")[2], 1),
    )
    return Reading(blank, account, config.metadata_keys)


def _snapshot(reading: Reading, envelope: Fields, config: SourceConfig) -> list[Event]:
    """A checkout says two things: whose customer it is, and what was bought."""
    event_type = reading.blank.type
    readers = (_reader(event_type), _ORDERS.get(event_type) if config.orders else None)
    said = [reader(reading, envelope.fields("data.object")) for reader in readers if reader]
    return [event for event in said if event.op is not EventOp.IGNORE] or [reading.blank]


def _thin(reading: Reading, envelope: Fields) -> Event:
    """Of a checkout it does not say which payment it was: who sells credits needs the snapshot."""
    kind = _kind(reading.blank.type.removeprefix("v1."))
    return bodies.signal(reading, kind, envelope.id("related_object.id")) if kind else reading.blank


def _reader(event_type: str) -> Callable[[Reading, Fields], Event] | None:
    if event_type.startswith("customer.subscription."):
        return bodies.subscription
    if event_type.startswith("invoice."):
        return _invoice
    return _READERS.get(event_type)


def _kind(event_type: str) -> Kind | None:
    """What an event without its object is about. An invoice is no entity of ours; its renewal comes, too."""
    return Kind.SUBSCRIPTION if event_type.startswith("customer.subscription.") else _KINDS.get(event_type)


def _invoice(reading: Reading, o: Fields) -> Event:
    """A renewal paid or failed, for one subscription; where it is named depends on the API version."""
    subscription_id = o.reference_or_none("parent.subscription_details.subscription") or o.reference_or_none(
        "subscription"
    )
    if subscription_id is None:
        return reading.blank
    return bodies.signal(reading, Kind.SUBSCRIPTION, subscription_id, bodies.customer_of(reading, o))


def _catalogue(reading: Reading, o: Fields) -> Event:
    return bodies.signal(reading, Kind.CATALOGUE, o.id("id"))


_READERS: dict[str, Callable[[Reading, Fields], Event]] = {
    "customer.created": bodies.customer,
    "customer.updated": bodies.customer,
    "customer.deleted": bodies.customer_deleted,
    "entitlements.active_entitlement_summary.updated": bodies.entitlements,
    "checkout.session.completed": bodies.checkout,
    "checkout.session.async_payment_succeeded": bodies.checkout,
    "product.updated": _catalogue,
    "price.updated": _catalogue,
}

_ORDERS: dict[str, Callable[[Reading, Fields], Event]] = {
    "checkout.session.completed": orders.order,
    "checkout.session.async_payment_succeeded": orders.order,
    "charge.refunded": orders.refund,
}
"""What says something about a one-time purchase."""

_SUBSCRIPTION_CHANGES = (
    "created",
    "updated",
    "deleted",
    "paused",
    "resumed",
    "trial_will_end",
    "pending_update_applied",
    "pending_update_expired",
)

_FEED_TYPES = (
    *_READERS,
    *(f"customer.subscription.{change}" for change in _SUBSCRIPTION_CHANGES),
    "invoice.paid",
    "invoice.payment_failed",
)
_ORDER_FEED_TYPES = tuple(sorted({*_FEED_TYPES, *_ORDERS}))

_KINDS = {
    "customer.created": Kind.CUSTOMER,
    "customer.updated": Kind.CUSTOMER,
    "customer.deleted": Kind.CUSTOMER,
    "entitlements.active_entitlement_summary.updated": Kind.ENTITLEMENTS,
    "checkout.session.completed": Kind.CHECKOUT,
    "checkout.session.async_payment_succeeded": Kind.CHECKOUT,
    "product.updated": Kind.CATALOGUE,
    "price.updated": Kind.CATALOGUE,
}
