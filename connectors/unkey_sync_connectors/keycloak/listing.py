"""Keycloak's Admin REST API: everything (backfill), and the events that the realm has stored (catch-up).

Source: Keycloak's Admin REST API documentation. A realm stores events only when told to, and for as long as told.
Roles are not listed: one request per user would be needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import listings, observed, statements
from unkey_sync_connectors.keycloak import bodies
from unkey_sync_connectors.keycloak.events import ACCESS_TYPES, read_feed_event
from unkey_sync_connectors.keycloak.fetching import realm_path
from unkey_sync_connectors.listings import Listing, Offset, Overlapped, Phase, everything
from unkey_sync_connectors.timestamps import DAY, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import Api, Page, SourceConfig
    from unkey_sync_connectors.event import Event
    from unkey_sync_connectors.payload import Fields

_EVENTS = Offset()
_OBJECTS = Overlapped()
"""Keycloak sorts users by name: whoever goes moves all behind them."""


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Users, then organisations with their members. Raises Unusable when no realm is configured."""
    return listings.pages(config, api, _phases(realm_path(config), config.metadata_keys), checkpoint)


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """The stored events since the day before, oldest first. A checkpoint is a later `since`."""
    since = int(checkpoint) if checkpoint else since
    base, day = realm_path(config), to_iso(since - DAY)[: len("2026-01-31")]
    admin = Listing(f"{base}/admin-events", "", {"dateFrom": day}, optional=True)
    access = Listing(f"{base}/events", "", {"dateFrom": day, "type": ACCESS_TYPES}, optional=True)
    rows = [row for listing in (admin, access) for row in everything(api, listing, _EVENTS)]
    events = [event for row in rows for event in read_feed_event(config, row, _name(row))]
    unique = {(event.delivery_id, event.entity): event for event in events}
    return observed.oldest_first(list(unique.values()), since)


def _name(row: Fields) -> str:
    """A stored event without an id is known by its content."""
    return f"stored:{observed.digest(row.raw())}"


def _phases(base: str, keys: frozenset[str]) -> Sequence[Phase]:
    def user(_api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        return [bodies.user(blank, row.id("id"), row, keys)]

    def organization(api: Api, blank: Event, row: Fields) -> Sequence[Event]:
        organization_id = row.id("id")
        members = everything(api, Listing(f"{base}/organizations/{organization_id}/members", ""), _OBJECTS)
        joined = (statements.joined(blank, organization_id, member.id("id")) for member in members)
        return [bodies.organization(blank, organization_id, row, keys), *joined]

    users = Listing(f"{base}/users", "", {"briefRepresentation": "false"})
    organizations = Listing(f"{base}/organizations", "", {"briefRepresentation": "false"}, optional=True)
    return (
        Phase("users", users, _OBJECTS, (user, bodies.user_entity)),
        Phase("organizations", organizations, _OBJECTS, (organization, bodies.organization_entity)),
    )
