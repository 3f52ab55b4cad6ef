"""Paddle's API: everything (backfill), and the event feed (catch-up). Source: Paddle's API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import listings, observed
from unkey_sync_connectors.listings import Cursor, Listing, Phase, everything
from unkey_sync_connectors.paddle import bodies
from unkey_sync_connectors.paddle.events import feed_types, read_feed_event
from unkey_sync_connectors.timestamps import SECOND, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, Page, SourceConfig
    from unkey_sync_connectors.event import Event
    from unkey_sync_connectors.payload import Fields

CATCH_UP_MARGIN = 60 * SECOND

_CURSOR = Cursor("meta.pagination.next", size=200, size_param="per_page", more="meta.pagination.has_more")
_CUSTOMERS = Listing("/customers", "data", {"status": "active,archived"})
_SUBSCRIPTIONS = Listing("/subscriptions", "data", {"status": "active,canceled,past_due,paused,trialing"})


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Customers, then subscriptions; of both every status, which Paddle lists only when asked to."""
    return listings.pages(config, api, _phases(config.metadata_keys), checkpoint)


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """What happened since, oldest first. A checkpoint is a later `since`."""
    since = int(checkpoint) if checkpoint else since
    params = {"from": to_iso(since - CATCH_UP_MARGIN), "event_type": ",".join(feed_types(config))}
    rows = everything(api, Listing("/events", "data", params), _CURSOR)
    return observed.oldest_first([read_feed_event(config, row) for row in rows], since)


def _phases(keys: frozenset[str]) -> Sequence[Phase]:
    def customer(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return [bodies.customer(bodies.observed_at(blank, row), row, keys)]

    def subscription(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return [bodies.subscription(bodies.observed_at(blank, row), row, keys)]

    return (
        Phase("customers", _CUSTOMERS, _CURSOR, (customer, bodies.customer_entity)),
        Phase("subscriptions", _SUBSCRIPTIONS, _CURSOR, (subscription, bodies.subscription_entity)),
    )
