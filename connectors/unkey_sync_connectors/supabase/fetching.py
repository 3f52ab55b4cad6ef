"""Supabase Auth's admin API: one user as it is now. Source: Supabase Auth's OpenAPI document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.event import Entity, Event, Kind
from unkey_sync_connectors.payload import Fields
from unkey_sync_connectors.supabase import bodies

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api, SourceConfig

USERS = "/auth/v1/admin/users"


def fetch(config: SourceConfig, api: Api, entity: Entity, owner: Entity | None) -> Event:
    """The user as an upsert, or a delete when Supabase does not know it. Raises Unusable."""
    if entity.kind is not Kind.USER:
        return replace(observed.blank(config, observed.FETCH, None), entity=entity)
    try:
        reply = api.get(f"{USERS}/{quote(entity.id, safe='')}")
    except Gone as gone:
        return observed.deleted(observed.blank(config, observed.FETCH, gone.date), entity, owner)
    blank = observed.blank(config, observed.FETCH, reply.date)
    found = bodies.user(blank, Fields(reply.data), bodies.API_METADATA, config.metadata_keys)
    return observed.versioned(found)
