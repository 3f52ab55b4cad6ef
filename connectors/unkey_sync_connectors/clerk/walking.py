"""Paging through Clerk's lists without a gap, from any place in them.

Knows pages and rows, not what the rows mean. A list that does not exist (feature switched off) is an empty
one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync_connectors.base import Api, ApiReply

PAGE_SIZE = 500
OVERLAP = 50
"""Rows read again at the start of a page: they show whether rows before it vanished and all others moved."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the API and its order."""

    path: str
    params: Mapping[str, str]
    optional: bool = False
    """A feature that can be switched off: without it the API knows no such list, and that is no failure."""


@dataclass(frozen=True, slots=True)
class Place:
    """How many rows of a list were read, and the id of the last one."""

    offset: int = 0
    last_id: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """One page. `date`: the source's clock when it answered. `following`: where to go on, None at the end."""

    rows: Sequence[Fields]
    date: int | None
    following: Place | None


_NOTHING = Rows((), None, None)


def rows_of(reply: ApiReply) -> tuple[list[Fields], int | None]:
    """The rows of a list and their number in all. Some lists are bare arrays, some wrapped."""
    wrapped = reply.data if isinstance(reply.data, dict) else {"data": reply.data}
    listing = Fields(wrapped)
    return listing.each("data"), listing.integer_or_none("total_count")


def read_after(api: Api, listing: Listing, place: Place) -> Rows:
    """The rows after the last one read, by its id. Raises Gone: there is no such list, and there should be."""
    cursor = {"starting_after": place.last_id} if place.last_id else {}
    try:
        reply = api.get(listing.path, {**listing.params, "limit": PAGE_SIZE, **cursor})
    except Gone:
        if cursor:  # the row we stood on was deleted: all rows come again, which changes nothing
            return Rows((), None, Place())
        if not listing.optional:
            raise
        return _NOTHING
    rows, _ = rows_of(reply)
    last_id = rows[-1].id("id") if rows else place.last_id
    moved = last_id != place.last_id
    return Rows(rows, reply.date, Place(place.offset + len(rows), last_id) if moved else None)


def read_at(api: Api, listing: Listing, place: Place) -> Rows:
    """The rows at an offset. When the last row read is not where it was, goes back until it is found.

    Raises Gone: there is no such list, and there should be.
    """
    start = max(0, place.offset - OVERLAP)
    try:
        reply = api.get(listing.path, {**listing.params, "limit": PAGE_SIZE, "offset": start})
    except Gone:
        if not listing.optional:
            raise
        return _NOTHING
    rows, total = rows_of(reply)
    ids = [row.id("id") for row in rows]
    if start and place.last_id not in ids:
        return Rows((), reply.date, replace(place, offset=start // 2))
    reached = start + len(rows)
    ended = reached <= place.offset or reached == total
    return Rows(rows, reply.date, None if ended else Place(reached, ids[-1]))


def count(api: Api, listing: Listing) -> int:
    """Rows in the list as the API counts them; 0 when it does not say."""
    try:
        return rows_of(api.get(listing.path, {**listing.params, "limit": 1}))[1] or 0
    except Gone:
        return 0
