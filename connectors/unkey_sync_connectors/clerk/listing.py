"""Clerk's Backend API: everything (backfill), and the users that changed (catch-up).

Source: Clerk's Backend API reference. Deletes cannot be listed and only users can be ordered by change: what
else was missed is found by backfill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from unkey_sync_connectors import observed
from unkey_sync_connectors.base import Gone, Page, Unusable
from unkey_sync_connectors.clerk import bodies
from unkey_sync_connectors.clerk.walking import Listing, Place, Rows, count, read_after, read_at
from unkey_sync_connectors.event import Entity, Event, EventOp
from unkey_sync_connectors.payload import Fields
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync_connectors.base import Api, SourceConfig

CATCH_UP_MARGIN = 300 * SECOND


@dataclass(frozen=True, slots=True)
class _Phase:
    """One part of a backfill: what to list, how to go through it, what a row is."""

    listing: Listing
    step: Callable[[Api, Listing, Place], Rows]
    event: Callable[[Event, Fields, frozenset[str]], Event]
    entity: Callable[[Fields], Entity]


def _item(blank: Event, data: Fields, _keys: frozenset[str]) -> Event:
    return bodies.billing_item(blank, data, bodies.payer(data))


_OLDEST_FIRST = {"order_by": "+created_at"}
_USERS = Listing("/v1/users", _OLDEST_FIRST)
_RECENT_USERS = Listing("/v1/users", {"order_by": "-updated_at"})
_ORGANIZATIONS = Listing("/v1/organizations", _OLDEST_FIRST, optional=True)
_MEMBERSHIPS = Listing("/v1/organization_memberships", _OLDEST_FIRST, optional=True)
_BILLING = Listing(
    "/v1/billing/subscription_items", {"paginated": "true", "include_free": "true"}, optional=True
)
_PHASES = {
    "users": _Phase(_USERS, read_after, bodies.user, bodies.user_entity),
    "organizations": _Phase(_ORGANIZATIONS, read_at, bodies.organization, bodies.organization_entity),
    "memberships": _Phase(_MEMBERSHIPS, read_at, bodies.membership, bodies.membership_entity),
    "billing": _Phase(_BILLING, read_at, _item, bodies.item_entity),
}
_NEXT = {
    "users": "organizations",
    "organizations": "memberships",
    "memberships": "billing",
    "billing": "done",
}


@dataclass(frozen=True, slots=True)
class _Progress:
    """Where a backfill stands; as JSON, the checkpoint."""

    phase: str
    place: Place
    total: int | None

    def dump(self) -> str:
        place = self.place
        return orjson.dumps([self.phase, place.offset, place.last_id, self.total]).decode()


def pages(config: SourceConfig, api: Api, checkpoint: str | None) -> Iterator[Page]:
    """Users, organisations, memberships, billing items. Raises Unusable for a row that names no object."""
    progress = _load(checkpoint) if checkpoint else _Progress("users", Place(), _total(api))
    if progress.phase == "done":
        yield Page(events=[], checkpoint=progress.dump(), last=True, total=progress.total)
    while progress.phase != "done":
        phase = _PHASES[progress.phase]
        read = phase.step(api, phase.listing, progress.place)
        if read.following:
            progress = replace(progress, place=read.following)
        else:
            progress = replace(progress, phase=_NEXT[progress.phase], place=Place())
        events = [_event(config, phase, row, read.date) for row in read.rows]
        last = progress.phase == "done"
        yield Page(events=events, checkpoint=progress.dump(), last=last, total=progress.total)


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """The users that changed since, the oldest change first. A checkpoint is a later `since`."""
    since = int(checkpoint) if checkpoint else since
    return observed.oldest_first(_changed_users(config, api, since - CATCH_UP_MARGIN), since)


def _changed_users(config: SourceConfig, api: Api, floor: int) -> list[Event]:
    phase = replace(_PHASES["users"], listing=_RECENT_USERS, step=read_at)
    found: dict[str, Event] = {}
    place: Place | None = Place()
    while place:
        read = read_at(api, phase.listing, place)
        events = [_event(config, phase, row, read.date) for row in read.rows]
        recent = [event for event in events if event.version >= floor]
        found.update((event.delivery_id, replace(event, type=observed.CATCH_UP)) for event in recent)
        place = read.following if len(recent) == len(events) else None
    return list(found.values())


def _event(config: SourceConfig, phase: _Phase, row: Fields, date: int | None) -> Event:
    """What a row says. A row that cannot be understood makes its object be fetched and stops no listing."""
    blank = observed.blank(config, observed.BACKFILL, date)
    try:
        return observed.versioned(phase.event(blank, row, config.metadata_keys))
    except Unusable:
        return observed.versioned(replace(blank, op=EventOp.SIGNAL, entity=phase.entity(row)))


def _total(api: Api) -> int | None:
    listings = (_ORGANIZATIONS, _MEMBERSHIPS, _BILLING)
    return _user_count(api) + sum(count(api, listing) for listing in listings) or None


def _user_count(api: Api) -> int:
    try:
        return Fields(api.get("/v1/users/count").data).integer_or_none("total_count") or 0
    except Gone:
        return 0


def _load(checkpoint: str) -> _Progress:
    phase, offset, last_id, total = orjson.loads(checkpoint)
    return _Progress(phase, Place(offset, last_id), total)
