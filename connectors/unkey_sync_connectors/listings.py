"""Paging through a source's lists, and a backfill as a row of such lists. Knows no vendor.

A step reads one page from any place in a list; a place is text, "" being the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, urlsplit

import orjson

from unkey_sync_connectors import observed, statements
from unkey_sync_connectors.base import Gone, Page, Unusable
from unkey_sync_connectors.payload import Fields

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Api, ApiReply, SourceConfig
    from unkey_sync_connectors.event import Entity, Event

DONE = "done"
_LONGEST_TOTAL = 16

Params = Mapping[str, str | int | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the API. `rows`: the field that holds them, "" for a bare array. `optional`: may not exist."""

    path: str
    rows: str
    params: Params = field(default_factory=dict)
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """One page. `date`: the source's clock when it answered. `following`: the place to go on, None at the end."""

    rows: Sequence[Fields]
    date: int | None
    following: str | None


class Step(Protocol):
    """How a source pages."""

    def read(self, api: Api, listing: Listing, place: str) -> Rows: ...


@dataclass(frozen=True, slots=True)
class Numbered:
    """Pages by number, from `first`. The end is a page that is not full.

    `total`: the field, `total_header` the header, with the number of all rows. When it falls, rows have moved up to
    pages that were read already; those are read again. A place is a page and, after a slash, the total when the page
    before was read.
    """

    size: int = 100
    size_param: str = "per_page"
    first: int = 1
    total: str = ""
    total_header: str = ""

    def read(self, api: Api, listing: Listing, place: str) -> Rows:
        page, _, before = (place or str(self.first)).partition("/")
        params = {**listing.params, "page": int(page), self.size_param: self.size}
        rows, reply = _get(api, listing, params)
        total = self._counted(reply) if reply else None
        following = self._following(
            int(page), len(rows), int(before) - total if before and total is not None else 0
        )
        counted = "" if total is None else f"/{total}"
        return Rows(rows, _date(reply), None if following is None else f"{following}{counted}")

    def _counted(self, reply: ApiReply) -> int | None:
        told = reply.headers.get(self.total_header, "")
        if self.total:
            return Fields(reply.data).integer_or_none(self.total)
        return int(told) if told.isdecimal() and len(told) < _LONGEST_TOTAL else None

    def _following(self, page: int, rows: int, gone: int) -> int | None:
        if gone > 0:
            return max(page - -(-gone // self.size), self.first)
        return page + 1 if rows >= self.size else None


@dataclass(frozen=True, slots=True)
class Offset:
    """Pages by the number of rows before them. The end is a page that is not full."""

    size: int = 100
    size_param: str = "max"
    offset_param: str = "first"

    def read(self, api: Api, listing: Listing, place: str) -> Rows:
        start = int(place or 0)
        params = {**listing.params, self.offset_param: start, self.size_param: self.size}
        rows, reply = _get(api, listing, params)
        return Rows(rows, _date(reply), str(start + len(rows)) if len(rows) >= self.size else None)


@dataclass(frozen=True, slots=True)
class Overlapped:
    """Pages by the number of rows before them, of rows with an `id`. Each begins with rows that were read already.

    Where the last of those is not found, rows before it have gone and all others have moved up: it goes back until
    it finds it. A place is that number, a slash, and that row's id.
    """

    size: int = 100
    overlap: int = 20
    size_param: str = "max"
    offset_param: str = "first"

    def read(self, api: Api, listing: Listing, place: str) -> Rows:
        before, _, last_id = place.partition("/")
        start = max(0, int(before or 0) - self.overlap)
        params = {**listing.params, self.offset_param: start, self.size_param: self.size}
        rows, reply = _get(api, listing, params)
        ids = [row.id("id") for row in rows]
        if start and last_id not in ids:
            return Rows([], _date(reply), f"{start // 2}/{last_id}")
        following = f"{start + len(rows)}/{ids[-1]}" if len(rows) >= self.size else None
        return Rows(rows, _date(reply), following)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Pages by a cursor that each answer carries in the field `following`, bare or inside a URL.

    `more`: the field that says whether there are any, where the cursor alone does not.
    """

    following: str
    size: int = 100
    size_param: str = "limit"
    param: str = "after"
    more: str = ""

    def read(self, api: Api, listing: Listing, place: str) -> Rows:
        cursor = {self.param: place} if place else {}
        rows, reply = _get(api, listing, {**listing.params, self.size_param: self.size, **cursor})
        if reply is None or not rows:
            return Rows(rows, _date(reply), None)
        answer = Fields(reply.data)
        ended = bool(self.more) and not answer.flag(self.more)
        return Rows(rows, reply.date, None if ended else self._place(answer.text_or_none(self.following)))

    def _place(self, cursor: str | None) -> str | None:
        return _parameter(cursor, self.param) if cursor and "://" in cursor else cursor


@dataclass(frozen=True, slots=True)
class Linked:
    """Pages by the `Link: <…>; rel="next"` header (RFC 8288), as Okta writes it: a URL with a cursor."""

    size: int = 200
    param: str = "after"

    def read(self, api: Api, listing: Listing, place: str) -> Rows:
        cursor = {self.param: place} if place else {}
        rows, reply = _get(api, listing, {**listing.params, "limit": self.size, **cursor})
        return Rows(rows, _date(reply), self._next(reply.headers.get("link", "")) if reply and rows else None)

    def _next(self, header: str) -> str | None:
        links = (link.partition(">") for link in header.split("<")[1:])
        url = next((url for url, _, about in links if 'rel="next"' in about), None)
        return _parameter(url, self.param) if url else None


Read = Callable[["Api", "Event", Fields], "Sequence[Event]"]
"""What a row says, given the event to fill in; it may ask the API for what hangs on the row."""
Reader = tuple[Read, Callable[[Fields], "Entity"]]
"""How to read a row, and what it is about when the rest of it cannot be understood."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a backfill."""

    name: str
    listing: Listing
    step: Step
    reader: Reader


def walk(api: Api, listing: Listing, step: Step) -> Iterator[Rows]:
    """All pages of a list, at least one."""
    place: str | None = ""
    while place is not None:
        page = step.read(api, listing, place)
        place = page.following
        yield page


def everything(api: Api, listing: Listing, step: Step) -> list[Fields]:
    """All rows of a list that is short enough to be held at once."""
    return [row for page in walk(api, listing, step) for row in page.rows]


def pages(config: SourceConfig, api: Api, phases: Sequence[Phase], checkpoint: str | None) -> Iterator[Page]:
    """All lists, one after another. A checkpoint is a phase and a place in its list."""
    name, place = orjson.loads(checkpoint) if checkpoint else (phases[0].name, "")
    names = [phase.name for phase in phases]
    if name == DONE:
        yield _page([], DONE, "")
    started = names.index(name) if name != DONE else len(names)
    for phase, following in zip(phases[started:], [*names[started + 1 :], DONE], strict=False):
        next_place: str | None = place if phase.name == name else ""
        while next_place is not None:
            read = phase.step.read(api, phase.listing, next_place)
            next_place = read.following
            here = (following, "") if next_place is None else (phase.name, next_place)
            yield _page(_events(config, api, phase, read), *here)


def recognised(event: Event, blank: Event) -> Event:
    """With the id by which it is known again: content and, where the object has one, its own version."""
    if event.version == blank.version:
        return observed.named(event, observed.digest([event.op, event.body]))
    return observed.versioned(event)


def read_rows(api: Api, blank: Event, rows: Iterable[Fields], reader: Reader) -> list[Event]:
    """What rows say. One that cannot be understood makes its object be fetched and stops no listing."""
    read, entity = reader
    found: list[Event] = []
    for row in rows:
        try:
            found += read(api, blank, row)
        except Unusable:
            found.append(statements.signal(blank, entity(row)))
    return found


def _events(config: SourceConfig, api: Api, phase: Phase, read: Rows) -> list[Event]:
    blank = observed.blank(config, observed.BACKFILL, read.date)
    return [recognised(event, blank) for event in read_rows(api, blank, read.rows, phase.reader)]


def _page(events: Sequence[Event], name: str, place: str) -> Page:
    return Page(events=events, checkpoint=orjson.dumps([name, place]).decode(), last=name == DONE)


def _get(api: Api, listing: Listing, params: Params) -> tuple[list[Fields], ApiReply | None]:
    try:
        reply = api.get(listing.path, params)
    except Gone:
        if not listing.optional:
            raise
        return [], None
    wrapped = {"rows": reply.data} if not listing.rows else reply.data
    return Fields(wrapped).each(listing.rows or "rows"), reply


def _date(reply: ApiReply | None) -> int | None:
    return reply.date if reply else None


def _parameter(url: str, name: str) -> str | None:
    return next(iter(parse_qs(urlsplit(url).query).get(name, [])), None)
