"""Keycloak's Admin REST API: one object as it is now. Source: Keycloak's Admin REST API documentation.

The realm is the source's `account`; without one nothing can be asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed, statements
from unkey_sync_connectors.base import Gone, Unusable
from unkey_sync_connectors.event import Entity, Event, Kind
from unkey_sync_connectors.keycloak import bodies
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api, ApiReply, SourceConfig


def realm_path(config: SourceConfig) -> str:
    """Where a realm's API begins. Raises Unusable when no realm is configured."""
    if not config.account:
        raise Unusable("Keycloak's API needs the realm's name: set `account` of this source")
    return f"/admin/realms/{quote(config.account, safe='')}"


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when Keycloak does not know it. Raises Unusable."""
    base = realm_path(config)
    try:
        return _read(config, api, base, entity)
    except Gone as gone:
        return _absent(observed.blank(config, observed.FETCH, gone.date), entity, owner)


def _read(config: SourceConfig, api: Api, base: str, entity: Entity) -> Event:
    match entity.kind:
        case Kind.USER:
            reply = api.get(f"{base}/users/{quote(entity.id, safe='')}")
            found = bodies.user(_blank(config, reply), entity.id, Fields(reply.data), config.metadata_keys)
        case Kind.ORGANIZATION:
            reply = api.get(f"{base}/organizations/{quote(entity.id, safe='')}")
            found = bodies.organization(
                _blank(config, reply), entity.id, Fields(reply.data), config.metadata_keys
            )
        case Kind.MEMBERSHIP if entity.id.startswith(bodies.GRANT):
            return _grant(config, api, base, entity)
        case Kind.MEMBERSHIP:
            organization, user = (quote(one.id, safe="") for one in statements.parties(entity))
            reply = api.get(f"{base}/organizations/{organization}/members/{user}")
            found = statements.joined(_blank(config, reply), *(one.id for one in statements.parties(entity)))
        case _:
            return replace(observed.blank(config, observed.FETCH, None), entity=entity)
    return observed.versioned(found)


def _grant(config: SourceConfig, api: Api, base: str, entity: Entity) -> Event:
    _, _, user_id = entity.id.partition(":")
    reply = api.get(f"{base}/users/{quote(user_id, safe='')}/role-mappings")
    blank = _blank(config, reply)
    for role in roles_of(Fields(reply.data)):
        if bodies.grant_entity(role, user_id) == entity:
            return observed.versioned(bodies.grant(blank, config.account, user_id, role))
    return _absent(blank, entity, None)


def roles_of(mappings: Fields) -> list[Fields]:
    """A user's roles, of the realm and of all clients."""
    clients = mappings.fields_or_none("clientMappings") or Fields({})
    per_client = (clients.each(f"{name}.mappings") for name in clients.raw() if "." not in name)
    return [*mappings.each("realmMappings"), *(role for roles in per_client for role in roles)]


def _absent(base: Event, entity: Entity, owner: Entity | None) -> Event:
    if entity.kind is not Kind.MEMBERSHIP:
        return observed.deleted(base, entity, owner)
    organization, user = statements.parties(entity)
    return observed.deleted(base, entity, owner if entity.id.startswith(bodies.GRANT) else organization, user)


def _blank(config: SourceConfig, reply: ApiReply) -> Event:
    return observed.blank(config, observed.FETCH, reply.date)
