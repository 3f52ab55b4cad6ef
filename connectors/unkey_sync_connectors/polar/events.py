"""Polar's webhooks: the envelope, and what each event type says.

Source: Polar's webhook reference. Types that the tables do not name are ignored. `modified_at` is null on
young objects: the envelope's timestamp orders everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.payload import MAX_ID_LENGTH, Fields, body_digest, naming, read_object
from unkey_sync_connectors.polar import bodies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The events of one webhook. Raises Malformed, Unusable."""
    return read_event(config, Fields(read_object(delivery.body)), _delivery_id(config, delivery))


def read_event(config: SourceConfig, envelope: Fields, delivery_id: str) -> Sequence[Event]:
    """What one event says. Raises Unusable."""
    with naming(delivery_id):
        event_type = envelope.id("type")
    with naming(delivery_id, event_type):
        blank = _blank(config, envelope, delivery_id, event_type)
        reader = _reader(config, event_type)
        said = reader(blank, envelope.fields("data"), config.metadata_keys) if reader else []
        return said or [blank]


def read_feed_event(config: SourceConfig, envelope: Fields, delivery_id: str) -> Sequence[Event]:
    """The same for the feed, where nobody can park a delivery: what cannot be understood is to be fetched."""
    try:
        return read_event(config, envelope, delivery_id)
    except Unusable as problem:
        blank = _blank(config, envelope, delivery_id, problem.event_type)
        entity = _ENTITIES.get(problem.event_type.partition(".")[0])
        return [statements.signal(blank, entity(envelope.fields("data"))) if entity else blank]


def _delivery_id(config: SourceConfig, delivery: Delivery) -> str:
    """The event's own id, the same over retries; a queue that lost the headers has the body only."""
    event_id = delivery.headers.get("webhook-id", "")
    if 0 < len(event_id) <= MAX_ID_LENGTH and event_id.isprintable():
        return event_id
    return body_digest(config.name, delivery.body)


def _blank(config: SourceConfig, envelope: Fields, delivery_id: str, event_type: str) -> Event:
    sent = envelope.instant("timestamp")
    return Event(
        source=config.name,
        account="",
        delivery_id=delivery_id,
        type=event_type,
        occurred_at=sent.us,
        op=EventOp.IGNORE,
        version=sent.us,
        resolution=sent.tick,
        rank=statements.RANKS.get(event_type.rpartition(".")[2], 1),
    )


def _catalogue(blank: Event, data: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.signal(blank, Entity(Kind.CATALOGUE, data.id("id")))]


def _reader(
    config: SourceConfig, event_type: str
) -> Callable[[Event, Fields, frozenset[str]], Sequence[Event]] | None:
    """A subscription's, grant's or order's events all hold the whole object: it decides, not the type."""
    family = event_type.partition(".")[0]
    if family == _ORDER and not config.orders:
        return None
    return _READERS.get(event_type) or _FAMILIES.get(family)


_ORDER = "order"


_FAMILIES: dict[str, Callable[[Event, Fields, frozenset[str]], Sequence[Event]]] = {
    "subscription": bodies.subscription,
    "benefit_grant": bodies.benefit_grant,
    _ORDER: bodies.order,
}

_READERS: dict[str, Callable[[Event, Fields, frozenset[str]], Sequence[Event]]] = {
    "customer.created": bodies.customer,
    "customer.updated": bodies.customer,
    "customer.deleted": bodies.customer_deleted,
    "customer.state_changed": bodies.customer_state,
    "product.updated": _catalogue,
}

_ENTITIES: dict[str, Callable[[Fields], Entity]] = {
    "customer": bodies.customer_entity,
    "subscription": bodies.subscription_entity,
    "benefit_grant": bodies.grant_entity,
    _ORDER: bodies.order_entity,
}
