"""Stripe's API: everything (backfill), and the event feed (catch-up).

Source: Stripe's API reference. Not listed: entitlements (one call per customer), checkouts (they are over),
and connected accounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Page, Unusable
from unkey_sync_connectors.event import Event, Kind
from unkey_sync_connectors.stripe import bodies
from unkey_sync_connectors.stripe.bodies import Account, Reading
from unkey_sync_connectors.stripe.events import feed_types, read_feed_event
from unkey_sync_connectors.stripe.fetching import reading_of
from unkey_sync_connectors.stripe.walking import Listing, Rows, read_page, walk
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync_connectors.base import Api, SourceConfig
    from unkey_sync_connectors.payload import Fields

CATCH_UP_MARGIN_S = 60
"""The feed is read from a little before the watermark: events become visible out of order."""

_LISTINGS = {
    "subscriptions": Listing("/v1/subscriptions", {"status": "all", "expand[]": ["data.customer"]}),
    "customers": Listing("/v1/customers", {}),
}
_NEXT = {"subscriptions": "customers", "customers": "done"}


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Subscriptions with their customers, then all customers. Raises Unusable: key of another account."""
    phase, after = orjson.loads(checkpoint) if checkpoint else ("subscriptions", "")
    if phase == "done":
        yield _to_page([], phase, after)
    while phase != "done":
        page = read_page(api, _LISTINGS[phase], after)
        events = _events(config, phase, page)
        phase, after = (_NEXT[phase], "") if page.following is None else (phase, page.following)
        yield _to_page(events, phase, after)


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """What happened since, oldest first, at most 30 days back. A checkpoint is a later `since`."""
    since = int(checkpoint) if checkpoint else since
    created = max(since // SECOND - CATCH_UP_MARGIN_S, 0)
    feed = Listing("/v1/events", {"created[gt]": created, "types[]": feed_types(config)})
    rows = [row for page in walk(api, feed) for row in page.rows]
    events = [event for row in reversed(rows) for event in read_feed_event(config, row)]
    # Newest first as read: the reversal keeps the feed's own order within a second.
    return observed.oldest_first(events, since)


def _to_page(events: list[Event], phase: str, after: str) -> Page:
    return Page(events=events, checkpoint=orjson.dumps([phase, after]).decode(), last=phase == "done")


def _events(config: SourceConfig, phase: str, page: Rows) -> list[Event]:
    base = observed.blank(config, observed.BACKFILL, page.date)
    found = []
    for row in page.rows:
        reading = reading_of(config, base, Account("", row.flag("livemode")))
        if phase == "customers":
            found.append(_event(reading, row, Kind.CUSTOMER, bodies.customer))
            continue
        expanded = row.expanded_or_none("customer")
        if expanded:
            found.append(_event(reading, expanded, Kind.CUSTOMER, bodies.customer))
        found.append(_event(reading, row, Kind.SUBSCRIPTION, bodies.subscription))
    return found


def _event(reading: Reading, row: Fields, kind: Kind, read: Callable[[Reading, Fields], Event]) -> Event:
    """What a row says. A row that cannot be understood makes its object be fetched and stops no listing.

    Recognised again by content: the version is the time of the listing, which is another one next time.
    """
    try:
        event = read(reading, row)
    except Unusable:
        event = bodies.signal(reading, kind, row.id("id"))
    return observed.named(event, observed.digest(row.raw()))
