"""Backfill and catch-up: pages of a source go through the inbox, each with its checkpoint in one transaction.

A run killed anywhere goes on after the last stored page. Only a run that saw the last page is complete, and only
one that saw every page from the first may say what is missing (coverage.py).
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import Gone, Unusable
from unkey_sync_connectors.event import EventOp
from unkey_sync_connectors.timestamps import to_iso

from unkey_sync.clock import DAY
from unkey_sync.coverage import Coverage
from unkey_sync.errors import Park, Retry, RetryAt
from unkey_sync.ledger.fact_rows import Raced
from unkey_sync.ledger.feed_rows import FeedRow
from unkey_sync.sourceapi import SourceRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync_connectors.base import Page
    from unkey_sync_connectors.event import Event

    from unkey_sync.clock import Clock
    from unkey_sync.engine.doubts import SourceAccess
    from unkey_sync.inbox import Inbox
    from unkey_sync.ledger.store import Ledger

BACKFILL = "backfill"
CATCH_UP = "catch_up"
LOOK_BACK = "catch_up:since"
"""A catch-up from an instant of the operator's choice; it leaves our own cursor where it is."""
RUNNING = "running"
COMPLETE = "complete"
FIRST_LOOK_BACK = DAY
"""How far a catch-up without a cursor of its own looks back, microseconds."""
_RACES, _SHORTEST_RACE_S = 8, 0.02
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Feed:
    """One listing or feed. `open(since, checkpoint)` gives its pages from there on; `since` in microseconds.

    `keeps`: how far back it can be asked, microseconds; None: not known, or it forgets nothing.
    """

    source: str
    name: str
    open: Callable[[int, str | None], Iterator[Page]]
    keeps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to take of a feed. `since` (microseconds): only what changed since; `limit`: about so many objects.

    `patience`: failures of the source in a row that are waited out before the run gives up.
    """

    restart: bool = False
    since: int | None = None
    limit: int | None = None
    patience: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands. `total` None: the source does not say. `coverage`: what this run has seen so far.

    `gap`: why this run cannot have seen all that it looked for, "" when it can.
    """

    done: int
    news: int
    total: int | None
    complete: bool
    coverage: Coverage
    gap: str = ""


EVERYTHING = Wanted()


def listing(source: str, access: SourceAccess) -> Feed:
    """Everything the source has."""
    return Feed(source, BACKFILL, lambda _, at: access.connector.pages(access.api, at))


def replay(source: str, access: SourceAccess, name: str = CATCH_UP) -> Feed:
    """What the source says happened since."""
    connector = access.connector
    return Feed(
        source, name, lambda since, at: connector.catch_up(access.api, since, at), connector.feed_keeps
    )


class Feeder:
    """Runs one feed of one source. `stop` ends a run after the page in hand."""

    def __init__(
        self,
        ledger: Ledger,
        inbox: Inbox,
        clock: Clock,
        ring: Callable[[], None],
        stop: threading.Event | None = None,
    ) -> None:
        self._ledger = ledger
        self._inbox = inbox
        self._clock = clock
        self._ring = ring
        self._stop = stop or threading.Event()

    def backfill(self, source: str, access: SourceAccess, wanted: Wanted = EVERYTHING) -> Iterator[Progress]:
        """List everything the source has. Goes on where a killed run stopped, unless told to restart."""
        yield from self.follow(listing(source, access), wanted)

    def catch_up(
        self, source: str, access: SourceAccess, *, since: int | None = None, patience: int = 0
    ) -> Iterator[Progress]:
        """Replay what the source says happened since our own cursor (or `since`, microseconds)."""
        if since is None:
            yield from self.follow(replay(source, access), Wanted(patience=patience))
            return
        feed = replay(source, access, LOOK_BACK)
        row = replace(self._new_row(feed, None), since=since)
        yield from self._run(feed, row, Wanted(patience=patience), self._forgotten(feed, since))

    def follow(self, feed: Feed, wanted: Wanted) -> Iterator[Progress]:
        """Run any feed from where it was left."""
        with self._ledger.transaction() as tx:
            found = tx.feeds.get(feed.source, feed.name)
        resumes = found is not None and found.state == RUNNING and not wanted.restart
        row = found if found is not None and resumes else self._new_row(feed, found)
        # A cursor stays where it is while a source is quiet; what is new can only be newer than the last whole run.
        seen = row.since if resumes or found is None else max(row.since, found.started_at)
        yield from self._run(feed, row, wanted, self._forgotten(feed, seen))

    def preview(self, feed: Feed, wanted: Wanted) -> Iterator[Progress]:
        """Compare everything with what is known, from the beginning, and keep nothing: no row is written."""
        row, news = self._new_row(feed, None), 0
        coverage = Coverage.begin(row, whole=wanted.since is None)
        for page in self._pages(feed, row, wanted):
            row, taken = _advance(row, page, self._clock.now()), _taken(page, wanted)
            news += self._compare(row, taken)
            coverage.saw(page)
            yield Progress(done=row.done, news=news, total=row.total, complete=page.last, coverage=coverage)
            if page.last or self._ends(row.done, wanted):
                return

    def _new_row(self, feed: Feed, before: FeedRow | None) -> FeedRow:
        now = self._clock.now()
        return FeedRow(
            source=feed.source,
            feed=feed.name,
            state=RUNNING,
            checkpoint=None,
            since=before.since if before is not None else now - FIRST_LOOK_BACK,
            done=0,
            total=None,
            started_at=now,
        )

    def _forgotten(self, feed: Feed, seen: int) -> str:
        """Why a feed cannot tell all that happened after `seen` (microseconds); "" when it can."""
        if feed.keeps is None or self._clock.now() - seen <= feed.keeps:
            return ""
        return f"{feed.source} tells of its last {feed.keeps // DAY} days, not of all since {to_iso(seen)}"

    def _run(self, feed: Feed, row: FeedRow, wanted: Wanted, gap: str) -> Iterator[Progress]:
        before, newest, news = row.done, row.since, 0
        coverage = Coverage.begin(row, whole=wanted.since is None)
        for page in self._pages(feed, row, wanted):
            newest = max([newest, *(event.occurred_at for event in page.events)])
            row = _advance(row, page, self._clock.now())
            if page.last and feed.name == CATCH_UP:
                # The cursor moves only with a run that saw everything, and only by the source's own clock.
                row = replace(row, since=newest)
            news += self._store(row, _taken(page, wanted))
            coverage.saw(page)
            gap = page.gap or gap
            self._ring()
            yield Progress(
                done=row.done, news=news, total=row.total, complete=page.last, coverage=coverage, gap=gap
            )
            if page.last or self._ends(row.done - before, wanted):
                return

    def _ends(self, done: int, wanted: Wanted) -> bool:
        return self._stop.is_set() or (wanted.limit is not None and done >= wanted.limit)

    def _pages(self, feed: Feed, row: FeedRow, wanted: Wanted) -> Iterator[Page]:
        """The feed's pages; a source that fails or asks for a pause is asked again after it, from the same place."""
        checkpoint, failures = row.checkpoint, 0
        while not self._stop.is_set():
            try:
                for page in feed.open(row.since, checkpoint):
                    checkpoint, failures = page.checkpoint, 0
                    yield page
            except Gone as error:
                raise Park(
                    f"{feed.source}: its API knows no such list; check api_base and the key"
                ) from error
            except Unusable as error:
                raise Park(f"{feed.source}: its list cannot be read: {error.reason}") from error
            except (Retry, RetryAt) as error:
                failures += 1
                if failures > wanted.patience or isinstance(error, SourceRefused):
                    raise
                self._clock.wait(self._stop, _pause_s(error, failures))
            else:
                return

    def _store(self, row: FeedRow, page: Page) -> int:
        def attempt() -> int:
            with self._ledger.transaction() as tx:
                news = self._inbox.observe(row.source, page, tx)
                tx.feeds.save(row)
                return news

        return self._until_alone(attempt)

    def _compare(self, row: FeedRow, page: Page) -> int:
        def attempt() -> int:
            news = 0
            with contextlib.suppress(_Undone), self._ledger.transaction() as tx:
                news = self._inbox.observe(row.source, page, tx)
                raise _Undone
            return news

        return self._until_alone(attempt)

    def _until_alone(self, attempt: Callable[[], int]) -> int:
        """Run a transaction again that met another writer: after an outage the webhooks come again meanwhile."""
        for race in range(_RACES):
            try:
                return attempt()
            except Raced:
                self._clock.wait(self._stop, _SHORTEST_RACE_S * 2.0**race)
        raise Retry("too many writers on the same facts")


class _Undone(Exception):  # noqa: N818
    """Rolls a preview's transaction back."""


def _advance(row: FeedRow, page: Page, now: int) -> FeedRow:
    return replace(
        row,
        checkpoint=None if page.last else page.checkpoint,
        state=COMPLETE if page.last else RUNNING,
        done=row.done + len(page.events),
        total=page.total if page.total is not None else row.total,
        finished_at=now if page.last else None,
    )


def _taken(page: Page, wanted: Wanted) -> Page:
    if wanted.since is None:
        return page
    return replace(page, events=[event for event in page.events if _is_recent(event, wanted.since)])


def _is_recent(event: Event, since: int) -> bool:
    """What does not say when it changed may have changed just now."""
    return event.version >= since or event.op is EventOp.SIGNAL


def _pause_s(error: Retry | RetryAt, failures: int) -> float:
    if isinstance(error, RetryAt):
        return error.after_s
    return float(min(_FIRST_PAUSE_S * 2.0 ** (failures - 1), _LONGEST_PAUSE_S))
