"""Paddle's events: the same object from a notification and from the event feed, under the same id.

Source: Paddle's webhook reference. Types that the tables do not name are ignored. One event has another
`notification_id` for every destination and replay; only `event_id` names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.paddle import bodies, orders
from unkey_sync_connectors.payload import Fields, naming, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig

LIVE = "live"
SIMULATION = "simulation"
_SIMULATED = "ntfsimevt_"


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The event of one notification. Raises Malformed, Unusable."""
    return [read_event(config, Fields(read_object(delivery.body)))]


def read_event(config: SourceConfig, envelope: Fields) -> Event:
    """What one event says. Raises Unusable."""
    delivery_id = envelope.id("event_id")
    with naming(delivery_id):
        event_type = envelope.id("event_type")
    with naming(delivery_id, event_type):
        blank = _blank(config, envelope, delivery_id, event_type)
        reader = _readers(config).get(event_type)
        return reader(blank, envelope.fields("data"), config.metadata_keys) if reader else blank


def read_feed_event(config: SourceConfig, envelope: Fields) -> Event:
    """The same for the feed, where nobody can park a delivery: what cannot be understood is to be fetched."""
    try:
        return read_event(config, envelope)
    except Unusable as problem:
        blank = _blank(config, envelope, envelope.id("event_id"), problem.event_type)
        entity = _ENTITIES.get(problem.event_type.partition(".")[0])
        return statements.signal(blank, entity(envelope.fields("data"))) if entity else blank


def feed_types(config: SourceConfig) -> tuple[str, ...]:
    """What to ask the event feed for."""
    return tuple(_readers(config))


def _readers(config: SourceConfig) -> dict[str, Callable[[Event, Fields, frozenset[str]], Event]]:
    return _ALL_READERS if config.orders else _READERS


def _blank(config: SourceConfig, envelope: Fields, delivery_id: str, event_type: str) -> Event:
    account = SIMULATION if delivery_id.startswith(_SIMULATED) else LIVE
    statements.check_account(config, "event_id", account)
    occurred = envelope.instant("occurred_at")
    return Event(
        source=config.name,
        account=account,
        delivery_id=delivery_id,
        type=event_type,
        occurred_at=occurred.us,
        op=EventOp.IGNORE,
        version=occurred.us,
        resolution=occurred.tick,
        rank=statements.RANKS.get(event_type.rpartition(".")[2], 1),
    )


def _catalogue(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return statements.signal(blank, Entity(Kind.CATALOGUE, data.id("id")))


_SUBSCRIPTION_EVENTS = (
    "created",
    "imported",
    "activated",
    "trialing",
    "updated",
    "paused",
    "resumed",
    "past_due",
    "canceled",
)

_READERS: dict[str, Callable[[Event, Fields, frozenset[str]], Event]] = {
    **{f"subscription.{what}": bodies.subscription for what in _SUBSCRIPTION_EVENTS},
    "customer.created": bodies.customer,
    "customer.imported": bodies.customer,
    "customer.updated": bodies.customer,
    "product.updated": _catalogue,
    "price.updated": _catalogue,
}

_ALL_READERS: dict[str, Callable[[Event, Fields, frozenset[str]], Event]] = {
    **_READERS,
    "transaction.completed": orders.transaction,
    "transaction.paid": orders.transaction,
    "transaction.updated": orders.updated,
    "transaction.canceled": orders.transaction,
    "adjustment.created": orders.adjustment,
    "adjustment.updated": orders.adjustment,
}

_ENTITIES: dict[str, Callable[[Fields], Entity]] = {
    "customer": bodies.customer_entity,
    "subscription": bodies.subscription_entity,
    "transaction": orders.order_entity,
    "adjustment": orders.adjusted_entity,
}
