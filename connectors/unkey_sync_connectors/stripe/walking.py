"""Paging through Stripe's lists by cursor, from any place in them. Does not know what the rows mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the API and its filter."""

    path: str
    params: Mapping[str, str | int | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Rows:
    """One page. `date`: the source's clock when it answered. `following`: the id to go on after, or None."""

    rows: Sequence[Fields]
    date: int | None
    following: str | None


def read_page(api: Api, listing: Listing, after: str) -> Rows:
    """The rows after the one with the id `after` ("": from the beginning). Raises Gone: there is no list."""
    cursor = {"starting_after": after} if after else {}
    try:
        reply = api.get(listing.path, {**listing.params, "limit": PAGE_SIZE, **cursor})
    except Gone:
        if not cursor:
            raise
        # The row we stood on was deleted. All rows come again, which changes nothing.
        return Rows((), None, "")
    page = Fields(reply.data)
    rows = page.each("data")
    more = rows and page.flag("has_more")
    return Rows(rows, reply.date, rows[-1].id("id") if more else None)


def walk(api: Api, listing: Listing) -> Iterator[Rows]:
    """All pages, at least one."""
    following: str | None = ""
    while following is not None:
        page = read_page(api, listing, following)
        following = page.following
        yield page
