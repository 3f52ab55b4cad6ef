"""Lago's webhooks: the envelope, and what each event type says.

Source: Lago's webhook reference. Types that the tables do not name are ignored. The envelope has neither an id
nor a time: the id is a header, and the objects' own dates order what is said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.lago import bodies
from unkey_sync_connectors.payload import MAX_ID_LENGTH, Fields, body_digest, naming, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The events of one webhook. Raises Malformed, Unusable."""
    envelope = Fields(read_object(delivery.body))
    delivery_id = _delivery_id(config, delivery)
    with naming(delivery_id):
        event_type = envelope.id("webhook_type")
    with naming(delivery_id, event_type):
        blank = _blank(config, envelope, delivery_id, event_type)
        reader = _READERS.get(event_type)
        found = reader(blank, envelope, config.metadata_keys) if reader else [blank]
        return [replace(event, occurred_at=event.version) for event in found]


def _delivery_id(config: SourceConfig, delivery: Delivery) -> str:
    """Lago's key of the webhook, the same over retries; a queue that lost the headers has the body only."""
    unique = delivery.headers.get("x-lago-unique-key", "")
    if 0 < len(unique) <= MAX_ID_LENGTH and unique.isprintable():
        return unique
    return body_digest(config.name, delivery.body)


def _blank(config: SourceConfig, envelope: Fields, delivery_id: str, event_type: str) -> Event:
    account = envelope.id_or_none("organization_id") or ""
    statements.check_account(config, "organization_id", account)
    return Event(
        source=config.name,
        account=account,
        delivery_id=delivery_id,
        type=event_type,
        occurred_at=0,
        op=EventOp.IGNORE,
    )


def _customer(blank: Event, envelope: Fields, keys: frozenset[str]) -> Sequence[Event]:
    return [bodies.customer(blank, envelope.fields("customer"), keys)]


def _subscription(blank: Event, envelope: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    """The subscription and, where the payload lists them, its features."""
    data = envelope.fields("subscription")
    found = [bodies.subscription(blank, data)]
    if "entitlements" in data.raw():
        found.append(bodies.entitlements(blank, data, data.each("entitlements")))
    return found


def _subscription_signal(blank: Event, envelope: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    data = envelope.fields("subscription")
    dated = bodies.at_last_step(blank, data)
    return [statements.signal(dated, bodies.subscription_entity(data), bodies.owner_of(data))]


def _plan(blank: Event, envelope: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.signal(blank, Entity(Kind.CATALOGUE, envelope.id("plan.code")))]


def _feature(blank: Event, envelope: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.signal(blank, Entity(Kind.CATALOGUE, envelope.id("feature.code")))]


_CHANGES = ("created", "updated", "deleted")

_READERS: dict[str, Callable[[Event, Fields, frozenset[str]], Sequence[Event]]] = {
    "customer.created": _customer,
    "customer.updated": _customer,
    **{
        f"subscription.{what}": _subscription
        for what in ("started", "updated", "terminated", "canceled", "incomplete")
    },
    **{
        f"subscription.{what}": _subscription_signal
        for what in ("trial_ended", "termination_alert", "usage_threshold_reached")
    },
    **{f"plan.{what}": _plan for what in _CHANGES},
    **{f"feature.{what}": _feature for what in _CHANGES},
}
