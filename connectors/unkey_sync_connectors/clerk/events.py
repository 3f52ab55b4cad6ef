"""Clerk's webhooks: the envelope, and what each event type says.

Source: Clerk's webhook OpenAPI document. Types that the tables do not name are ignored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.clerk import bodies
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.payload import MAX_ID_LENGTH, Fields, body_digest, naming, read_object
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig

_RANKS = {"created": 0, "deleted": 2}
_ITEM_EVENTS = (
    "created",
    "updated",
    "active",
    "canceled",
    "upcoming",
    "ended",
    "abandoned",
    "incomplete",
    "pastDue",
    "freeTrialEnding",
)


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The events of one webhook. Raises Malformed, Unusable."""
    envelope = Fields(read_object(delivery.body))
    delivery_id = _delivery_id(config, delivery)
    with naming(delivery_id):
        event_type = envelope.id("type")
    with naming(delivery_id, event_type):
        blank = _blank(config, envelope, delivery_id, event_type)
        return _read(blank, envelope, config.metadata_keys)


def _delivery_id(config: SourceConfig, delivery: Delivery) -> str:
    """Svix's message id, the same over retries; a queue that lost the headers has the body only."""
    headers = delivery.headers
    message_id = headers.get("svix-id") or headers.get("webhook-id") or ""
    if 0 < len(message_id) <= MAX_ID_LENGTH and message_id.isprintable():
        return message_id
    return body_digest(config.name, delivery.body)


def _blank(config: SourceConfig, envelope: Fields, delivery_id: str, event_type: str) -> Event:
    account = envelope.id_or_none("instance_id") or ""
    if config.account not in ("", account):
        raise Unusable("instance_id is not the configured account")
    sent = envelope.instant("timestamp")
    return Event(
        source=config.name,
        account=account,
        delivery_id=delivery_id,
        type=event_type,
        occurred_at=sent.us,
        op=EventOp.IGNORE,
        version=sent.us,
        resolution=sent.tick,
        rank=_RANKS.get(event_type.rpartition(".")[2], 1),
    )


def _read(blank: Event, envelope: Fields, keys: frozenset[str]) -> Sequence[Event]:
    if blank.type in _CONTAINERS:
        return _container(blank, envelope.fields("data")) or [blank]
    reader = _READERS.get(blank.type)
    return [reader(blank, envelope.fields("data"), keys) if reader else blank]


def _container(blank: Event, data: Fields) -> Sequence[Event]:
    """A payer's subscription: one event per item. Items have their own versions only on newer instances."""
    updated = data.instant_or_none("updated_at")
    dated = replace(blank, version=updated.us, resolution=updated.tick) if updated else blank
    owner = bodies.payer(data)
    return [bodies.billing_item(dated, item, owner) for item in data.each("items")]


def _item(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return bodies.billing_item(blank, data, bodies.payer(data))


def _user_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return replace(_deleted(blank, bodies.user_entity(data)), terminal=True)


def _organization_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return replace(_deleted(blank, bodies.organization_entity(data)), terminal=True)


def _membership_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    """Not terminal: the user may join again. The envelope can be older than the object inside it."""
    entity = bodies.membership_entity(data)
    owner, member = bodies.membership_parties(entity)
    gone = _deleted(blank, entity)
    version = max(gone.version, data.us_or_none("updated_at") or 0)
    return replace(gone, version=version, owner=owner, member=member)


def _deleted(blank: Event, entity: Entity) -> Event:
    """A delete that is told in whole seconds comes after everything in its second."""
    last = blank.version + SECOND - 1 if blank.resolution == SECOND else blank.version
    return replace(blank, op=EventOp.DELETE, entity=entity, version=last)


def _catalogue(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return replace(blank, op=EventOp.SIGNAL, entity=Entity(Kind.CATALOGUE, data.id("id")))


_CONTAINERS = frozenset(f"subscription.{what}" for what in ("created", "updated", "active", "pastDue"))

_READERS: dict[str, Callable[[Event, Fields, frozenset[str]], Event]] = {
    "user.created": bodies.user,
    "user.updated": bodies.user,
    "user.deleted": _user_deleted,
    "organization.created": bodies.organization,
    "organization.updated": bodies.organization,
    "organization.deleted": _organization_deleted,
    "organizationMembership.created": bodies.membership,
    "organizationMembership.updated": bodies.membership,
    "organizationMembership.deleted": _membership_deleted,
    **{
        f"{what}.{done}": _catalogue
        for what in ("role", "permission")
        for done in ("created", "updated", "deleted")
    },
    **{f"subscriptionItem.{what}": _item for what in _ITEM_EVENTS},
}
