"""Okta's API: one object as it is now. Source: Okta's API reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed, statements
from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.event import Entity, Event, Kind
from unkey_sync_connectors.listings import Linked, Listing, walk
from unkey_sync_connectors.okta import bodies
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api, SourceConfig

USERS = "/api/v1/users"
GROUPS = "/api/v1/groups"
STEP = Linked()


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when Okta does not know it. Raises Unusable."""
    try:
        return _read(config, api, entity)
    except Gone as gone:
        return _absent(config, entity, owner, gone.date)


def _read(config: SourceConfig, api: Api, entity: Entity) -> Event:
    match entity.kind:
        case Kind.USER:
            reply = api.get(f"{USERS}/{quote(entity.id, safe='')}")
            blank = observed.blank(config, observed.FETCH, reply.date)
            return observed.versioned(bodies.user(blank, Fields(reply.data), config.metadata_keys))
        case Kind.ORGANIZATION:
            reply = api.get(f"{GROUPS}/{quote(entity.id, safe='')}")
            blank = observed.blank(config, observed.FETCH, reply.date)
            return observed.versioned(bodies.group(blank, Fields(reply.data).id("id")))
        case Kind.MEMBERSHIP:
            return _membership(config, api, entity)
        case _:
            return replace(observed.blank(config, observed.FETCH, None), entity=entity)


def _membership(config: SourceConfig, api: Api, entity: Entity) -> Event:
    """A member is one whose groups name it: a user has fewer groups than a group has users."""
    group, user = statements.parties(entity)
    blank = observed.blank(config, observed.FETCH, None)
    for page in walk(api, Listing(f"{USERS}/{quote(user.id, safe='')}/groups", ""), STEP):
        blank = observed.blank(config, observed.FETCH, page.date)
        if any(row.id("id") == group.id for row in page.rows):
            return observed.versioned(statements.joined(blank, group.id, user.id))
    return observed.deleted(blank, entity, group, user)


def _absent(config: SourceConfig, entity: Entity, owner: Entity | None, date: int | None) -> Event:
    base = observed.blank(config, observed.FETCH, date)
    if entity.kind is not Kind.MEMBERSHIP:
        return observed.deleted(base, entity, owner)
    return observed.deleted(base, entity, *statements.parties(entity))
