"""WorkOS's events: the same object from a webhook and from the event feed, under the same id.

Source: WorkOS's event reference. Types that the tables do not name are ignored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.payload import Fields, naming, read_object
from unkey_sync_connectors.workos import bodies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The events of one webhook. Raises Malformed, Unusable."""
    return read_event(config, Fields(read_object(delivery.body)))


def read_event(config: SourceConfig, envelope: Fields) -> Sequence[Event]:
    """What one event says. Raises Unusable."""
    delivery_id = envelope.id("id")
    with naming(delivery_id):
        event_type = envelope.id("event")
    with naming(delivery_id, event_type):
        reader = _READERS.get(event_type)
        blank = _blank(config, envelope, delivery_id, event_type)
        return reader(blank, envelope.fields("data"), config.metadata_keys) if reader else [blank]


def read_feed_event(config: SourceConfig, envelope: Fields) -> Sequence[Event]:
    """The same for the feed, where nobody can park a delivery: what cannot be understood is to be fetched."""
    try:
        return read_event(config, envelope)
    except Unusable as problem:
        blank = _blank(config, envelope, envelope.id("id"), problem.event_type)
        entity = _ENTITIES.get(problem.event_type.rpartition(".")[0])
        return [statements.signal(blank, entity(envelope.fields("data"))) if entity else blank]


def _blank(config: SourceConfig, envelope: Fields, delivery_id: str, event_type: str) -> Event:
    created = envelope.instant("created_at")
    account = envelope.id_or_none("context.client_id") or ""
    statements.check_account(config, "context.client_id", account)
    return Event(
        source=config.name,
        account=account,
        delivery_id=delivery_id,
        type=event_type,
        occurred_at=created.us,
        op=EventOp.IGNORE,
        version=created.us,
        resolution=created.tick,
        rank=statements.RANKS.get(event_type.rpartition(".")[2], 1),
    )


def _gone(blank: Event, data: Fields) -> Event:
    """A deleted object's `updated_at` is that of its last change: the delete itself came with the event."""
    return replace(blank, version=max(blank.version, data.us_or_none("updated_at") or 0))


def _user_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.delete(_gone(blank, data), bodies.user_entity(data), terminal=True)]


def _organization_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.delete(_gone(blank, data), bodies.organization_entity(data), terminal=True)]


def _membership_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.left(_gone(blank, data), data.id("organization_id"), data.id("user_id"))]


def _directory_user_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    gone, owner = _gone(blank, data), bodies.directory_of(data)
    organization_id = data.id_or_none("organization_id")
    left = statements.left(gone, organization_id, data.id("id")) if organization_id else None
    deleted = statements.delete(gone, bodies.user_entity(data), terminal=True, owner=owner)
    return [deleted, *([left] if left else [])]


def _directory_deleted(blank: Event, data: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    """No event says which users went with it: the ledger knows. Whoever connects anew gets a new directory."""
    return [statements.delete(_gone(blank, data), bodies.directory_entity(data), terminal=True)]


def _catalogue(blank: Event, data: Fields, _keys: frozenset[str]) -> Sequence[Event]:
    return [statements.signal(blank, Entity(Kind.CATALOGUE, data.id("slug")))]


_READERS: dict[str, Callable[[Event, Fields, frozenset[str]], Sequence[Event]]] = {
    "user.created": bodies.user,
    "user.updated": bodies.user,
    "user.deleted": _user_deleted,
    "organization.created": bodies.organization,
    "organization.updated": bodies.organization,
    "organization.deleted": _organization_deleted,
    "organization_membership.created": bodies.membership,
    "organization_membership.updated": bodies.membership,
    "organization_membership.deleted": _membership_deleted,
    "dsync.user.created": bodies.directory_user,
    "dsync.user.updated": bodies.directory_user,
    "dsync.user.deleted": _directory_user_deleted,
    "dsync.activated": bodies.directory,
    "dsync.deleted": _directory_deleted,
    **{
        f"{what}.{done}": _catalogue
        for what in ("organization_role", "role", "permission")
        for done in ("created", "updated", "deleted")
    },
}

FEED_TYPES = tuple(_READERS)
"""What to ask the event feed for; it gives nothing unasked."""

_ENTITIES: dict[str, Callable[[Fields], Entity]] = {
    "user": bodies.user_entity,
    "dsync": bodies.directory_entity,
    "dsync.user": bodies.user_entity,
    "organization": bodies.organization_entity,
    "organization_membership": bodies.membership_entity,
}
