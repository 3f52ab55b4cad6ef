"""Okta's API: everything (backfill), and the System Log (catch-up).

Source: Okta's API reference. Deprovisioned users are listed only when asked for, and they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import listings, statements
from unkey_sync_connectors.base import Page
from unkey_sync_connectors.listings import Linked, Listing, Phase, everything
from unkey_sync_connectors.okta import bodies
from unkey_sync_connectors.okta.events import FEED_TYPES, read_feed_event
from unkey_sync_connectors.okta.fetching import GROUPS, STEP, USERS
from unkey_sync_connectors.timestamps import SECOND, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, SourceConfig
    from unkey_sync_connectors.event import Event
    from unkey_sync_connectors.payload import Fields

CATCH_UP_MARGIN = 3_600 * SECOND
"""Log events may come up to an hour late."""

_LOG_STEP = Linked(size=1_000)
_DEPROVISIONED = 'status eq "DEPROVISIONED"'


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Users, deprovisioned users, then groups with their members."""
    return listings.pages(config, api, _phases(config.metadata_keys), checkpoint)


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """What the log says happened since, oldest first. A checkpoint is Okta's own cursor."""
    params = {
        "since": to_iso(since - CATCH_UP_MARGIN),
        "filter": " or ".join(f'eventType eq "{event_type}"' for event_type in FEED_TYPES),
        "sortOrder": "ASCENDING",
    }
    place: str | None = checkpoint or ""
    while place is not None:
        read = _LOG_STEP.read(api, Listing("/api/v1/logs", "", params), place)
        events = [event for row in read.rows for event in read_feed_event(config, row)]
        yield Page(events=events, checkpoint=read.following or place, last=read.following is None)
        place = read.following


def _phases(keys: frozenset[str]) -> Sequence[Phase]:
    def user(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return [bodies.user(blank, row, keys)]

    def group(api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        group_id = row.id("id")
        members = everything(api, Listing(f"{GROUPS}/{group_id}/users", ""), STEP)
        joined = (statements.joined(blank, group_id, member.id("id")) for member in members)
        return [bodies.group(blank, group_id), *joined]

    gone = Listing(USERS, "", {"filter": _DEPROVISIONED})
    return (
        Phase("users", Listing(USERS, ""), STEP, (user, bodies.user_entity)),
        Phase("deprovisioned", gone, STEP, (user, bodies.user_entity)),
        Phase("groups", Listing(GROUPS, ""), STEP, (group, bodies.group_entity)),
    )
