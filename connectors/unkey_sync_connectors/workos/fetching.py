"""WorkOS's API: one object as it is now.

Source: WorkOS's API reference. Roles and permissions are not fetched: they only ever wake somebody up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed, statements
from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.event import Entity, Event, Kind
from unkey_sync_connectors.listings import Cursor, Listing, walk
from unkey_sync_connectors.payload import Fields
from unkey_sync_connectors.workos import bodies

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api, SourceConfig

USERS = "/user_management/users"
ORGANIZATIONS = "/organizations"
MEMBERSHIPS = "/user_management/organization_memberships"
DIRECTORY_USERS = "/directory_users"
EVERY_STATUS = ("active", "inactive", "pending")
CURSOR = Cursor("list_metadata.after")


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The object as an upsert, or a delete when WorkOS does not know it. Raises Unusable."""
    try:
        return _read(config, api, entity)
    except Gone as gone:
        return _absent(config, entity, owner, gone.date)


def _read(config: SourceConfig, api: Api, entity: Entity) -> Event:
    match entity.kind:
        case Kind.USER if entity.id.startswith(bodies.DIRECTORY_USER):
            return _directory_user(config, api, entity.id)[0]
        case Kind.USER:
            reply = api.get(f"{USERS}/{quote(entity.id, safe='')}")
            blank = observed.blank(config, observed.FETCH, reply.date)
            found = bodies.user(blank, Fields(reply.data), config.metadata_keys)
        case Kind.ORGANIZATION:
            reply = api.get(f"{ORGANIZATIONS}/{quote(entity.id, safe='')}")
            blank = observed.blank(config, observed.FETCH, reply.date)
            found = bodies.organization(blank, Fields(reply.data), config.metadata_keys)
        case Kind.MEMBERSHIP:
            return _membership(config, api, entity)
        case _:
            return replace(observed.blank(config, observed.FETCH, None), entity=entity)
    return observed.versioned(found[0])


def _directory_user(config: SourceConfig, api: Api, user_id: str) -> list[Event]:
    reply = api.get(f"{DIRECTORY_USERS}/{quote(user_id, safe='')}")
    blank = observed.blank(config, observed.FETCH, reply.date)
    found = bodies.directory_user(blank, Fields(reply.data), config.metadata_keys)
    return [observed.versioned(event) for event in found]


def _membership(config: SourceConfig, api: Api, entity: Entity) -> Event:
    organization, user = statements.parties(entity)
    if user.id.startswith(bodies.DIRECTORY_USER):
        found, date = _directory_user(config, api, user.id), None
    else:
        found, date = _memberships(config, api, organization.id, user.id)
    same = [event for event in found if event.entity == entity]
    return max(same, key=lambda event: event.version) if same else _absent(config, entity, None, date)


def _memberships(
    config: SourceConfig, api: Api, organization_id: str, user_id: str
) -> tuple[list[Event], int | None]:
    params = {"organization_id": organization_id, "user_id": user_id, "statuses[]": EVERY_STATUS}
    found: list[Event] = []
    date: int | None = None
    for page in walk(api, Listing(MEMBERSHIPS, "data", params), CURSOR):
        date = page.date
        blank = observed.blank(config, observed.FETCH, date)
        for row in page.rows:
            found += map(observed.versioned, bodies.membership(blank, row, config.metadata_keys))
    return found, date


def _absent(config: SourceConfig, entity: Entity, owner: Entity | None, date: int | None) -> Event:
    base = observed.blank(config, observed.FETCH, date)
    if entity.kind is not Kind.MEMBERSHIP:
        return observed.deleted(base, entity, owner)
    return observed.deleted(base, entity, *statements.parties(entity))
