"""Auth0's Management API: everything (backfill), and failed deliveries with changed users (where no stream is).

Source: Auth0's Management API v2 reference. A search shows its first 1,000 hits only, so users are walked by
their date of creation. Export jobs (POST) are not used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import listings, observed, statements
from unkey_sync_connectors.auth0 import bodies
from unkey_sync_connectors.auth0.events import read_feed_event
from unkey_sync_connectors.auth0.fetching import ORGANIZATIONS, USERS
from unkey_sync_connectors.listings import Cursor, Listing, Phase, Rows, everything
from unkey_sync_connectors.payload import Fields
from unkey_sync_connectors.timestamps import SECOND, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, Page, SourceConfig
    from unkey_sync_connectors.event import Event

CATCH_UP_MARGIN = 300 * SECOND
STREAMS = "/api/v2/event-streams"

_CHECKPOINT = Cursor("next", size_param="take", param="from")
_BEGINNING = "*"


@dataclass(frozen=True, slots=True)
class _Search:
    """Users by a date in ascending order: each request goes on from the date of the last row.

    A place is that date and, for more users of one instant than a page holds, a page number behind it.
    """

    by: str
    size: int = 100

    def read(self, api: Api, listing: Listing, place: str) -> Rows:
        date, _, number = place.partition("#")
        query = {"q": f"{self.by}:[{date or _BEGINNING} TO *]", "sort": f"{self.by}:1", "search_engine": "v3"}
        reply = api.get(listing.path, {**query, "page": int(number or 0), "per_page": self.size})
        rows = Fields({"rows": reply.data}).each("rows")
        if len(rows) < self.size:
            return Rows(rows, reply.date, None)
        reached = rows[-1].text(self.by)
        following = f"{date}#{int(number or 0) + 1}" if reached == date else reached
        return Rows(rows, reply.date, following)


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Users, then organisations with their members and the members' roles."""
    return listings.pages(config, api, _phases(config.metadata_keys), checkpoint)


def changes(
    config: SourceConfig, api: Api, since: int, checkpoint: str | None, gap: str = ""
) -> Iterator[Page]:
    """Deliveries that failed, and users that changed since. A checkpoint is a later `since`."""
    since = int(checkpoint) if checkpoint else since
    floor = since - CATCH_UP_MARGIN
    found = {event.delivery_id: event for event in _failed(config, api, floor)}
    found |= {event.delivery_id: event for event in _changed_users(config, api, floor)}
    return (replace(page, gap=gap) for page in observed.oldest_first(list(found.values()), since))


def _failed(config: SourceConfig, api: Api, floor: int) -> Iterator[Event]:
    """What Auth0 gave up on, for every stream that has such."""
    failed = {"statuses": "failed", "date_from": to_iso(floor)}
    for stream in everything(api, Listing(STREAMS, "eventStreams", optional=True), _CHECKPOINT):
        path = f"{STREAMS}/{stream.id('id')}/deliveries"
        for row in everything(api, Listing(path, "deliveries", failed, optional=True), _CHECKPOINT):
            envelope = row.fields_or_none("event")
            if envelope is None:
                envelope = Fields(api.get(f"{path}/{row.id('id')}").data).fields("event")
            yield read_feed_event(config, envelope)


def _changed_users(config: SourceConfig, api: Api, floor: int) -> Iterator[Event]:
    place: str | None = to_iso(floor)
    while place is not None:
        read = _Search("updated_at").read(api, Listing(USERS, ""), place)
        place = read.following
        blank = observed.blank(config, observed.CATCH_UP, read.date)
        for row in read.rows:
            yield observed.versioned(_user(blank, row, config.metadata_keys))


def _user(blank: Event, row: Fields, keys: frozenset[str]) -> Event:
    return bodies.user(statements.dated(blank, row.instant_or_none("updated_at")), row, keys)


def _phases(keys: frozenset[str]) -> Sequence[Phase]:
    def user(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return [_user(blank, row, keys)]

    def organization(api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        organization_id = row.id("id")
        members = Listing(
            f"{ORGANIZATIONS}/{organization_id}/members", "members", {"fields": "user_id,roles"}
        )
        found = [bodies.organization(blank, row, keys)]
        for member in everything(api, members, _CHECKPOINT):
            user_id = member.id("user_id")
            found.append(statements.joined(blank, organization_id, user_id))
            held = ({"role": role.raw()} for role in member.each("roles"))
            parties = {"organization": {"id": organization_id}, "user": {"user_id": user_id}}
            found += [bodies.grant(blank, Fields({**one, **parties}), keys) for one in held]
        return found

    organizations = Listing(ORGANIZATIONS, "organizations")
    return (
        Phase("users", Listing(USERS, ""), _Search("created_at"), (user, bodies.user_entity)),
        Phase("organizations", organizations, _CHECKPOINT, (organization, bodies.organization_entity)),
    )
