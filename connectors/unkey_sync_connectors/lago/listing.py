"""Lago's API: everything (backfill). There is no feed of events, so catching up is listing everything again.

Source: Lago's API reference. Entitlements are not listed: one request per subscription would be needed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync_connectors import listings, observed
from unkey_sync_connectors.lago import bodies
from unkey_sync_connectors.lago.fetching import CUSTOMERS, EVERY_STATUS, STEP, SUBSCRIPTIONS
from unkey_sync_connectors.listings import Listing, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, Page, SourceConfig
    from unkey_sync_connectors.event import Event
    from unkey_sync_connectors.payload import Fields


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Customers, then subscriptions of every status."""
    return listings.pages(config, api, _phases(config.metadata_keys), checkpoint)


def catch_up(config: SourceConfig, api: Api, _since: int, checkpoint: str | None) -> Iterator[Page]:
    """Everything, whenever it changed: a change that moves no date would be missed otherwise."""
    for page in pages(config, api, checkpoint):
        events = [replace(event, type=observed.CATCH_UP) for event in page.events]
        yield replace(page, events=events)


def _phases(keys: frozenset[str]) -> Sequence[Phase]:
    def customer(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return [bodies.customer(blank, row, keys)]

    def subscription(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return [bodies.subscription(blank, row)]

    subscriptions = Listing(SUBSCRIPTIONS, "subscriptions", {"status[]": EVERY_STATUS})
    return (
        Phase("customers", Listing(CUSTOMERS, "customers"), STEP, (customer, bodies.customer_entity)),
        Phase("subscriptions", subscriptions, STEP, (subscription, bodies.subscription_entity)),
    )
