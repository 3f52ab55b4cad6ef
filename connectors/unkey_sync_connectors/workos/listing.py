"""WorkOS's API: everything (backfill), and the event feed (catch-up).

Source: WorkOS's API reference. The feed is ordered and complete for 30 days: read often enough, it can be the
only way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import listings
from unkey_sync_connectors.base import Page
from unkey_sync_connectors.listings import Listing, Phase
from unkey_sync_connectors.timestamps import SECOND, to_iso
from unkey_sync_connectors.workos import bodies
from unkey_sync_connectors.workos.events import FEED_TYPES, read_feed_event
from unkey_sync_connectors.workos.fetching import (
    CURSOR,
    DIRECTORY_USERS,
    EVERY_STATUS,
    MEMBERSHIPS,
    ORGANIZATIONS,
    USERS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, SourceConfig
    from unkey_sync_connectors.event import Event
    from unkey_sync_connectors.payload import Fields

CATCH_UP_MARGIN = 60 * SECOND

_OLDEST_FIRST = {"order": "asc"}


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Users, organisations with their memberships, directories with their users."""
    return listings.pages(config, api, _phases(config.metadata_keys), checkpoint)


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """What happened since, oldest first, at most 30 days back. A checkpoint is the id of the last event."""
    feed = {"events[]": FEED_TYPES, **_OLDEST_FIRST}
    begun = {"range_start": to_iso(since - CATCH_UP_MARGIN)}
    place = checkpoint or ""
    while True:
        read = CURSOR.read(api, Listing("/events", "data", {**feed, **({} if place else begun)}), place)
        events = [event for row in read.rows for event in read_feed_event(config, row)]
        place = read.following or (read.rows[-1].id("id") if read.rows else place)
        yield Page(events=events, checkpoint=place, last=read.following is None)
        if read.following is None:
            return


def _phases(keys: frozenset[str]) -> Sequence[Phase]:
    def user(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return bodies.user(blank, row, keys)

    def membership(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return bodies.membership(blank, row, keys)

    def directory_user(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return bodies.directory_user(blank, row, keys)

    def organization(api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        found = bodies.organization(blank, row, keys)
        params = {**_OLDEST_FIRST, "organization_id": row.id("id"), "statuses[]": EVERY_STATUS}
        members = listings.everything(api, Listing(MEMBERSHIPS, "data", params), CURSOR)
        return [*found, *listings.read_rows(api, blank, members, (membership, bodies.membership_entity))]

    def directory(api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        params = {**_OLDEST_FIRST, "directory": row.id("id")}
        members = listings.everything(api, Listing(DIRECTORY_USERS, "data", params), CURSOR)
        return listings.read_rows(api, blank, members, (directory_user, bodies.user_entity))

    lists = {path: Listing(path, "data", _OLDEST_FIRST) for path in (USERS, ORGANIZATIONS, "/directories")}
    return (
        Phase("users", lists[USERS], CURSOR, (user, bodies.user_entity)),
        Phase("organizations", lists[ORGANIZATIONS], CURSOR, (organization, bodies.organization_entity)),
        Phase("directories", lists["/directories"], CURSOR, (directory, bodies.organization_entity)),
    )
