"""Clerk's objects as events, wherever they came from: webhook or Backend API.

Each function fills in a blank event that already says source, delivery and, as a fallback, version. Field
names are those of Clerk's Backend API and webhook OpenAPI documents.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import (
    Entity,
    Event,
    EventOp,
    Kind,
    MembershipBody,
    OrganizationBody,
    SubscriptionBody,
    SubscriptionItem,
    UserBody,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.payload import Fields

_ITEM_STATUSES = {
    "active": "active",
    "past_due": "past_due",
    "canceled": "canceled",
    "upcoming": "incomplete",
    "incomplete": "incomplete",
    "ended": "ended",
    "expired": "ended",
    "abandoned": "ended",
}


def user(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    """A person. Never reads `unsafe_metadata`: the user writes it."""
    body = UserBody(
        external_ref=data.id_or_none("external_id"), blocked=_blocked(data), metadata=_metadata(data, keys)
    )
    return _upsert(blank, data, user_entity(data), {**body})


def organization(blank: Event, data: Fields, keys: frozenset[str]) -> Event:
    body = OrganizationBody(
        external_ref=data.id_or_none("external_id"), blocked=_blocked(data), metadata=_metadata(data, keys)
    )
    return _upsert(blank, data, organization_entity(data), {**body})


def membership(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    entity = membership_entity(data)
    owner, member = membership_parties(entity)
    body = MembershipBody(
        organization=owner.id,
        user=member.id,
        role=data.text_or_none("role"),
        permissions=data.texts("permissions"),
    )
    return replace(_upsert(blank, data, entity, {**body}), owner=owner, member=member)


def billing_item(blank: Event, data: Fields, owner: Entity) -> Event:
    """One plan period of one payer. Within a container the payer is known from outside."""
    status = data.choice("status", _ITEM_STATUSES)
    trial = status == "active" and data.flag("is_free_trial")
    period_end = data.us_or_none("period_end")
    body = SubscriptionBody(
        status="trialing" if trial else status,
        items=[_plan(data)],
        trial_end=period_end if trial else None,
        period_start=data.us_or_none("period_start"),
        period_end=period_end,
        cancel_at_period_end=status == "canceled",
        cancel_at=period_end if status == "canceled" else None,
        ended_at=data.us_or_none("ended_at"),
        external_ref=None,
        metadata={},
    )
    rank = 2 if status == "ended" else blank.rank
    return replace(_upsert(blank, data, item_entity(data), {**body}), owner=owner, rank=rank)


def user_entity(data: Fields) -> Entity:
    return Entity(Kind.USER, data.id("id"))


def organization_entity(data: Fields) -> Entity:
    return Entity(Kind.ORGANIZATION, data.id("id"))


def membership_entity(data: Fields) -> Entity:
    """Named by its two parties: Clerk's own membership id is not the same after leaving and joining again."""
    return Entity(Kind.MEMBERSHIP, f"{data.id('organization.id')}:{data.id('public_user_data.user_id')}")


def membership_parties(entity: Entity) -> tuple[Entity, Entity]:
    """The organisation and the user of a membership entity."""
    organization_id, _, user_id = entity.id.partition(":")
    return Entity(Kind.ORGANIZATION, organization_id), Entity(Kind.USER, user_id)


def item_entity(data: Fields) -> Entity:
    return Entity(Kind.SUBSCRIPTION, data.id("id"))


def payer(data: Fields) -> Entity:
    """Who pays. The id that does not apply is an empty text."""
    user_id = data.id_or_none("payer.user_id")
    organization_id = data.id_or_none("payer.organization_id")
    if organization_id and not user_id:
        return Entity(Kind.ORGANIZATION, organization_id)
    if user_id and not organization_id:
        return Entity(Kind.USER, user_id)
    raise Unusable("payer names neither one user nor one organization")


def _plan(data: Fields) -> SubscriptionItem:
    return SubscriptionItem(
        product=data.id_or_none("plan_id") or data.id_or_none("plan.id"),
        price=data.id_or_none("price_id"),
        lookup_key=data.text_or_none("plan.slug"),
        quantity=data.integer_or_none("seats.quantity"),
    )


def _upsert(blank: Event, data: Fields, entity: Entity, body: Mapping[str, object]) -> Event:
    updated = data.instant_or_none("updated_at")
    return replace(
        blank,
        op=EventOp.UPSERT,
        entity=entity,
        version=updated.us if updated else blank.version,
        resolution=updated.tick if updated else blank.resolution,
        body={**body},
    )


def _blocked(data: Fields) -> str | None:
    return next((flag for flag in ("banned", "locked", "deprovisioned") if data.flag(flag)), None)


def _metadata(data: Fields, keys: frozenset[str]) -> dict[str, str]:
    public = data.chosen_texts("public_metadata", keys)
    return public | data.chosen_texts("private_metadata", keys)
