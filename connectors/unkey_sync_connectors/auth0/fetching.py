"""Auth0's Management API: one object as it is now. Source: Auth0's Management API v2 reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed, statements
from unkey_sync_connectors.auth0 import bodies
from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.event import Entity, Event, Kind
from unkey_sync_connectors.listings import Listing, Numbered, walk
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api, ApiReply, SourceConfig

USERS = "/api/v2/users"
ORGANIZATIONS = "/api/v2/organizations"


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when Auth0 does not know it. Raises Unusable."""
    try:
        return _read(config, api, entity)
    except Gone as gone:
        return _absent(config, entity, owner, gone.date)


def _read(config: SourceConfig, api: Api, entity: Entity) -> Event:
    match entity.kind:
        case Kind.USER:
            reply = api.get(f"{USERS}/{quote(entity.id, safe='')}")
            data = Fields(reply.data)
            blank = statements.dated(_blank(config, reply), data.instant_or_none("updated_at"))
            return observed.versioned(bodies.user(blank, data, config.metadata_keys))
        case Kind.ORGANIZATION:
            reply = api.get(f"{ORGANIZATIONS}/{quote(entity.id, safe='')}")
            found = bodies.organization(_blank(config, reply), Fields(reply.data), config.metadata_keys)
            return observed.versioned(found)
        case Kind.MEMBERSHIP:
            return _membership(config, api, entity)
        case _:
            return replace(observed.blank(config, observed.FETCH, None), entity=entity)


def _membership(config: SourceConfig, api: Api, entity: Entity) -> Event:
    """A member is one whose organisations name it; a grant, one of the member's roles."""
    role_id, organization_id, user_id = bodies.parties(entity)
    path = f"{USERS}/{quote(user_id, safe='')}/organizations"
    if role_id:
        member = quote(user_id, safe="")
        path = f"{ORGANIZATIONS}/{quote(organization_id, safe='')}/members/{member}/roles"
    date: int | None = None
    for page in walk(api, Listing(path, ""), Numbered(first=0)):
        date = page.date
        row = next((one for one in page.rows if one.id("id") == (role_id or organization_id)), None)
        if row is not None:
            role = row.text_or_none("name") if role_id else None
            found = statements.joined(
                observed.blank(config, observed.FETCH, date), organization_id, user_id, role
            )
            return observed.versioned(replace(found, entity=entity))
    return _absent(config, entity, None, date)


def _absent(config: SourceConfig, entity: Entity, owner: Entity | None, date: int | None) -> Event:
    base = observed.blank(config, observed.FETCH, date)
    if entity.kind is not Kind.MEMBERSHIP:
        return observed.deleted(base, entity, owner)
    _, organization_id, user_id = bodies.parties(entity)
    return observed.deleted(
        base, entity, *statements.parties(statements.membership_entity(organization_id, user_id))
    )


def _blank(config: SourceConfig, reply: ApiReply) -> Event:
    return observed.blank(config, observed.FETCH, reply.date)
