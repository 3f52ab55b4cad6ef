"""Polar's API: everything (backfill), and the deliveries that failed (catch-up).

Source: Polar's API reference. Grants are not listed: one request per customer would be needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import listings, observed
from unkey_sync_connectors.base import Malformed
from unkey_sync_connectors.listings import Listing, Numbered, Phase, walk
from unkey_sync_connectors.payload import Fields, read_object
from unkey_sync_connectors.polar import bodies
from unkey_sync_connectors.polar.events import read_feed_event
from unkey_sync_connectors.polar.fetching import CUSTOMERS, SUBSCRIPTIONS
from unkey_sync_connectors.timestamps import SECOND, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, Page, SourceConfig
    from unkey_sync_connectors.event import Event

CATCH_UP_MARGIN = 3_600 * SECOND
"""A delivery counts as failed only after its last attempt, and those take about an hour."""

_STEP = Numbered(size=100, size_param="limit", total="pagination.total_count")


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Customers, then subscriptions of every status."""
    return listings.pages(config, api, _phases(config.metadata_keys), checkpoint)


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """The events whose delivery failed since, at most 90 days back. A checkpoint is a later `since`."""
    since = int(checkpoint) if checkpoint else since
    params = {"succeeded": "false", "start_timestamp": to_iso(since - CATCH_UP_MARGIN)}
    failed = Listing("/v1/webhooks/deliveries", "items", params)
    events = [
        event for page in walk(api, failed, _STEP) for row in page.rows for event in _event(config, row)
    ]
    unique = {(event.delivery_id, event.entity): event for event in events}
    return observed.oldest_first(list(unique.values()), since)


def _event(config: SourceConfig, row: Fields) -> Sequence[Event]:
    """Its payload is the text that was sent; Polar drops it after 90 days."""
    payload = row.text_or_none("webhook_event.payload")
    try:
        envelope = Fields(read_object((payload or "").encode()))
    except Malformed:
        return []
    return read_feed_event(config, envelope, row.id("webhook_event.id"))


def _phases(keys: frozenset[str]) -> Sequence[Phase]:
    def customer(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return bodies.customer(blank, row, keys)

    def subscription(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return bodies.subscription(blank, row, keys)

    customers = Listing(CUSTOMERS, "items", {"sorting": "created_at"})
    subscriptions = Listing(SUBSCRIPTIONS, "items", {"sorting": "started_at"})
    return (
        Phase("customers", customers, _STEP, (customer, bodies.customer_entity)),
        Phase("subscriptions", subscriptions, _STEP, (subscription, bodies.subscription_entity)),
    )
