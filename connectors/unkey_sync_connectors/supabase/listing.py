"""Supabase Auth's admin API: all users (backfill), and those that changed (catch-up).

Source: Supabase Auth's OpenAPI document. The list cannot be filtered by change, so catching up reads all of it.
Deletes cannot be listed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import listings, observed
from unkey_sync_connectors.listings import Listing, Phase, Rows
from unkey_sync_connectors.payload import Fields
from unkey_sync_connectors.supabase import bodies
from unkey_sync_connectors.supabase.fetching import USERS
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, Page, SourceConfig
    from unkey_sync_connectors.event import Event

CATCH_UP_MARGIN = 60 * SECOND
"""Rows become visible in another order than they were written in."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """Pages by number. When the number of all users has fallen, users have moved up to pages that were read already.

    Those are read again. A place is a page and, after a slash, that number when the page before was read.
    """

    size: int = 100

    def read(self, api: Api, listing: Listing, place: str) -> Rows:
        page, _, before = (place or "1").partition("/")
        reply = api.get(listing.path, {**listing.params, "page": int(page), "per_page": self.size})
        rows = Fields(reply.data).each(listing.rows)
        total = reply.headers.get("x-total-count", "")
        gone = int(before) - int(total) if before.isdecimal() and total.isdecimal() else 0
        if gone > 0:
            return Rows(rows, reply.date, f"{max(int(page) - -(-gone // self.size), 1)}/{total}")
        return Rows(rows, reply.date, f"{int(page) + 1}/{total}" if len(rows) >= self.size else None)


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

    return (Phase("users", Listing(USERS, "users"), _Counted(), (user, bodies.user_entity)),)
