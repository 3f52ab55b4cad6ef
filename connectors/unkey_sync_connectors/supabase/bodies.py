"""Supabase's users as events, from a table row, from an auth hook or from the admin API.

Reads what it names and nothing else: a row of `auth.users` holds password hashes and tokens. Field names are
those of Supabase Auth; `row` and `api` say how the two forms name metadata.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.event import Entity, Event, Kind, UserBody

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields

ROW_METADATA = "raw_app_meta_data"
API_METADATA = "app_metadata"
"""Never the metadata beside it, which users write themselves."""

READ = frozenset(
    {
        ROW_METADATA,
        API_METADATA,
        "id",
        "banned_until",
        "deleted_at",
        "is_anonymous",
        "created_at",
        "updated_at",
    }
)
"""The fields of a user that may be read, in either form."""


def user(blank: Event, data: Fields, metadata: str, keys: frozenset[str]) -> Event:
    """A user. Anonymous ones are nobody yet, and a soft delete is one."""
    if data.flag("is_anonymous"):
        return blank
    dated = statements.dated(blank, data.instant_or_none("updated_at"))
    deleted_at = data.us_or_none("deleted_at")
    if deleted_at is not None:
        return statements.delete(replace(dated, version=max(dated.version, deleted_at)), user_entity(data))
    # Without a clock: a ban that was over when the row was written is no ban.
    banned = (data.us_or_none("banned_until") or 0) > dated.version
    body = UserBody(
        external_ref=None,
        blocked="banned" if banned else None,
        metadata=data.chosen_texts(metadata, keys),
    )
    return statements.upsert(dated, user_entity(data), {**body})


def user_entity(data: Fields) -> Entity:
    return Entity(Kind.USER, data.id("id"))
