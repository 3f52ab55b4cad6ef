"""Supabase Auth's admin API: all users (backfill), and those that changed (catch-up).

Source: Supabase Auth's OpenAPI document. The list cannot be filtered by change, so catching up reads all of it.
Deletes cannot be listed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import listings, observed
from unkey_sync_connectors.listings import Listing, Numbered, Phase
from unkey_sync_connectors.supabase import bodies
from unkey_sync_connectors.supabase.fetching import USERS
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, Page, SourceConfig
    from unkey_sync_connectors.event import Event
    from unkey_sync_connectors.payload import Fields

CATCH_UP_MARGIN = 60 * SECOND
"""Rows become visible in another order than they were written in."""


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """All users."""
    return listings.pages(config, api, _phases(config.metadata_keys), checkpoint)


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """The users that changed since. A checkpoint is one of `pages`."""
    for page in pages(config, api, checkpoint):
        recent = [event for event in page.events if event.version >= since - CATCH_UP_MARGIN]
        yield replace(page, events=[replace(event, type=observed.CATCH_UP) for event in recent])


def _phases(keys: frozenset[str]) -> Sequence[Phase]:
    def user(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return [bodies.user(blank, row, bodies.API_METADATA, keys)]

    return (
        Phase(
            "users",
            Listing(USERS, "users"),
            Numbered(total_header="x-total-count"),
            (user, bodies.user_entity),
        ),
    )
