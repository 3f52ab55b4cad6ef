"""Backfill and catch-up: pages of a source go through the inbox, each with its checkpoint in one transaction.

A run killed anywhere goes on after the last stored page. Only a run that saw the last page is complete.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unkey_sync.clock import DAY
from unkey_sync.errors import Retry
from unkey_sync.ledger.fact_rows import Raced
from unkey_sync.ledger.feed_rows import FeedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync_connectors.base import Page

    from unkey_sync.clock import Clock
    from unkey_sync.engine.doubts import SourceAccess
    from unkey_sync.inbox import Inbox
    from unkey_sync.ledger.store import Ledger

BACKFILL = "backfill"
CATCH_UP = "catch_up"
RUNNING = "running"
COMPLETE = "complete"
FIRST_LOOK_BACK = DAY
"""How far a catch-up without a cursor of its own looks back, microseconds."""
_RACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands. `total` None: the source does not say."""

    done: int
    news: int
    total: int | None
    complete: bool


class Feeder:
    """Runs one feed of one source."""

    def __init__(self, ledger: Ledger, inbox: Inbox, clock: Clock, ring: Callable[[], None]) -> None:
        self._ledger = ledger
        self._inbox = inbox
        self._clock = clock
        self._ring = ring

    def backfill(self, source: str, access: SourceAccess, *, restart: bool = False) -> Iterator[Progress]:
        """List everything the source has. Goes on where a killed run stopped, unless told to restart."""
        row = self._begin(source, BACKFILL, restart=restart)
        yield from self._run(row, access.connector.pages(access.api, row.checkpoint))

    def catch_up(self, source: str, access: SourceAccess, *, since: int | None = None) -> Iterator[Progress]:
        """Replay what the source says happened since our own cursor (or `since`, microseconds)."""
        row = self._begin(source, CATCH_UP, restart=False)
        if since is not None:
            row = replace(row, since=since, checkpoint=None)
        yield from self._run(row, access.connector.catch_up(access.api, row.since, row.checkpoint))

    def _begin(self, source: str, feed: str, *, restart: bool) -> FeedRow:
        with self._ledger.transaction() as tx:
            found = tx.feeds.get(source, feed)
        now = self._clock.now()
        if found is not None and found.state == RUNNING and not restart:
            return found
        since = found.since if found is not None else now - FIRST_LOOK_BACK
        return FeedRow(
            source=source,
            feed=feed,
            state=RUNNING,
            checkpoint=None,
            since=since,
            done=0,
            total=None,
            started_at=now,
        )

    def _run(self, row: FeedRow, pages: Iterator[Page]) -> Iterator[Progress]:
        newest, news = row.since, 0
        for page in pages:
            newest = max([newest, *(event.occurred_at for event in page.events)])
            row = replace(
                row,
                checkpoint=None if page.last else page.checkpoint,
                state=COMPLETE if page.last else RUNNING,
                # The cursor moves only with a run that saw everything, and only by the source's own clock.
                since=newest if page.last and row.feed == CATCH_UP else row.since,
                done=row.done + len(page.events),
                total=page.total if page.total is not None else row.total,
                finished_at=self._clock.now() if page.last else None,
            )
            news += self._store(row, page)
            self._ring()
            yield Progress(done=row.done, news=news, total=row.total, complete=page.last)

    def _store(self, row: FeedRow, page: Page) -> int:
        for _ in range(_RACES):
            try:
                with self._ledger.transaction() as tx:
                    news = self._inbox.observe(row.source, page, tx)
                    tx.feeds.save(row)
                    return news
            except Raced:
                continue
        raise Retry("too many writers on the same facts")
