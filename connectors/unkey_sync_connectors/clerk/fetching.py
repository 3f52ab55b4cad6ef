"""Clerk's Backend API: one object as it is now.

Source: Clerk's Backend API reference. Roles and permissions are not fetched: they only ever wake somebody up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Gone, Unusable
from unkey_sync_connectors.clerk import bodies
from unkey_sync_connectors.clerk.walking import rows_of
from unkey_sync_connectors.event import Entity, Event, Kind
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api, ApiReply, SourceConfig


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when Clerk does not know it. Raises Unusable."""
    try:
        return _read(config, api, entity, owner)
    except Gone as gone:
        return _absent(config, entity, owner, gone.date)


def _read(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    match entity.kind:
        case Kind.USER:
            reply = api.get(f"/v1/users/{quote(entity.id, safe='')}")
            found = bodies.user(_blank(config, reply), Fields(reply.data), config.metadata_keys)
        case Kind.ORGANIZATION:
            reply = api.get(f"/v1/organizations/{quote(entity.id, safe='')}")
            found = bodies.organization(_blank(config, reply), Fields(reply.data), config.metadata_keys)
        case Kind.MEMBERSHIP:
            return _membership(config, api, entity)
        case Kind.SUBSCRIPTION:
            return _billing_item(config, api, entity, owner)
        case _:
            return replace(observed.blank(config, observed.FETCH, None), entity=entity)
    return observed.versioned(found)


def _membership(config: SourceConfig, api: Api, entity: Entity) -> Event:
    organization, user = bodies.membership_parties(entity)
    path = f"/v1/organizations/{quote(organization.id, safe='')}/memberships"
    reply = api.get(path, {"user_id": user.id, "limit": 1})
    for row in rows_of(reply)[0]:
        if bodies.membership_entity(row) == entity:
            return observed.versioned(bodies.membership(_blank(config, reply), row, config.metadata_keys))
    return _absent(config, entity, organization, reply.date)


def _billing_item(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """Clerk shows an item only inside its payer's subscription, and there only while it is of use."""
    if owner is None:
        raise Unusable("a billing item can be read through its payer only, and no payer is known")
    payers = "organizations" if owner.kind is Kind.ORGANIZATION else "users"
    reply = api.get(f"/v1/{payers}/{quote(owner.id, safe='')}/billing/subscription")
    for row in Fields(reply.data).each("subscription_items"):
        if bodies.item_entity(row) == entity:
            return observed.versioned(bodies.billing_item(_blank(config, reply), row, owner))
    return _absent(config, entity, owner, reply.date)


def _absent(config: SourceConfig, entity: Entity, owner: Entity | None, date: int | None) -> Event:
    base = observed.blank(config, observed.FETCH, date)
    if entity.kind is not Kind.MEMBERSHIP:
        return observed.deleted(base, entity, owner)
    return observed.deleted(base, entity, *bodies.membership_parties(entity))


def _blank(config: SourceConfig, reply: ApiReply) -> Event:
    return observed.blank(config, observed.FETCH, reply.date)
