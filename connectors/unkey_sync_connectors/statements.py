"""The four things an event can say, and what several vendors share in saying them. Knows no vendor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind, MembershipBody, OrderBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.base import SourceConfig
    from unkey_sync_connectors.timestamps import Instant

RANKS = {"created": 0, "deleted": 2}
"""Rank by the last word of an event type; all others are updates."""

ORDER_RANKS = {"pending": 0, "paid": 1, "refunded": 2}
"""Rank by the status of an order: within one tick the later step of its life wins."""

_LOOK = "#look"


def upsert(blank: Event, entity: Entity, body: Mapping[str, object], owner: Entity | None = None) -> Event:
    return replace(blank, op=EventOp.UPSERT, entity=entity, body={**body}, owner=owner)


def order(blank: Event, entity: Entity, body: OrderBody, owner: Entity) -> Event:
    return replace(upsert(blank, entity, {**body}, owner), rank=ORDER_RANKS[body["status"]])


def delete(blank: Event, entity: Entity, *, terminal: bool = False, owner: Entity | None = None) -> Event:
    return replace(blank, op=EventOp.DELETE, entity=entity, terminal=terminal, owner=owner, rank=2)


def signal(blank: Event, entity: Entity, owner: Entity | None = None) -> Event:
    member = None
    if entity.kind is Kind.MEMBERSHIP:
        owner, member = parties(entity)
    return replace(blank, op=EventOp.SIGNAL, entity=entity, owner=owner, member=member)


def look_again(event: Event) -> Event:
    """A signal beside what an event says, for a payload that is right as far as it goes.

    Of the same version, so that the entity is in doubt until it is fetched; a delivery of its own, because one
    delivery says one thing about one entity.
    """
    return replace(event, op=EventOp.SIGNAL, body={}, terminal=False, delivery_id=f"{event.delivery_id}#look")


def dated(blank: Event, instant: Instant | None) -> Event:
    """With the version that the object itself carries, where it does."""
    return replace(blank, version=instant.us, resolution=instant.tick) if instant else blank


def membership_entity(organization: str, user: str) -> Entity:
    """Named by its two parties: a user who leaves and joins again is one membership with a history.

    The organisation's id must not contain a colon; the user's may.
    """
    return Entity(Kind.MEMBERSHIP, f"{organization}:{user}")


def parties(entity: Entity) -> tuple[Entity, Entity]:
    """The organisation and the user of a membership."""
    organization, _, user = entity.id.partition(":")
    return Entity(Kind.ORGANIZATION, organization), Entity(Kind.USER, user)


def joined(blank: Event, organization: str, user: str, role: str | None = None) -> Event:
    """The user is in the organisation."""
    entity = membership_entity(organization, user)
    owner, member = parties(entity)
    body = MembershipBody(organization=organization, user=user, role=role, permissions=[])
    return replace(upsert(blank, entity, {**body}, owner), member=member)


def left(blank: Event, organization: str, user: str) -> Event:
    """The user is not in the organisation. Never terminal: one may join again."""
    entity = membership_entity(organization, user)
    owner, member = parties(entity)
    return replace(delete(blank, entity, owner=owner), member=member)


def check_account(config: SourceConfig, field: str, *names: str) -> None:
    """Raises Unusable when another account is configured than any of the names in `field`."""
    if config.account and config.account not in names:
        raise Unusable(f"{field} is not the configured account")
