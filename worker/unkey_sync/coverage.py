"""What a listing has shown, and so what it no longer shows. Only says; nobody is removed because of it.

Absence counts only when one run went from the first page to the last without a filter, and saw no fewer objects
than the source says it has.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unkey_sync.ids import made_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync_connectors.base import Page
    from unkey_sync_connectors.event import Kind

    from unkey_sync.ledger.fact_rows import FactRow
    from unkey_sync.ledger.feed_rows import FeedRow
    from unkey_sync.ledger.store import Ledger

_FACTS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Missing:
    """A live fact of an object that a complete listing did not show."""

    kind: str
    id: str
    subject: str | None


@dataclass(slots=True)
class Coverage:
    """Eight bytes for each object seen. `whole`: from the first page on, and unfiltered."""

    source: str
    started_at: int
    whole: bool
    total: int | None = None
    closed: bool = False
    kinds: set[Kind] = field(default_factory=set)
    _seen: array[int] = field(default_factory=lambda: array("Q"), repr=False)

    @classmethod
    def begin(cls, row: FeedRow, *, whole: bool) -> Coverage:
        """For a run that begins with this row; a resumed one has not seen the pages before."""
        return cls(row.source, row.started_at, whole and row.checkpoint is None and row.done == 0)

    def saw(self, page: Page) -> None:
        for event in page.events:
            if event.entity is not None:
                self.kinds.add(event.entity.kind)
                self._seen.append(_mark(event.entity.kind.value, event.entity.id))
        self.total = page.total if page.total is not None else self.total
        self.closed = page.last

    def doubt(self) -> str | None:
        """Why nothing may be called missing; None when the listing is proven complete."""
        if not self.closed:
            return "the listing did not reach its end"
        if not self.whole:
            return "this run did not see every page; a run with --restart does"
        if self.total is not None and len(set(self._seen)) < self.total:
            return "the source counts more objects than it listed; something moved meanwhile, run again"
        return None

    def missing(self, ledger: Ledger) -> Iterator[Missing]:
        """Facts known before the run that it did not show, of kinds it did show. Call only without a doubt."""
        seen = array("Q", sorted(set(self._seen)))
        for row in _live_facts(ledger, self.source):
            if self._is_expected(row) and not _holds(seen, _mark(row.entity.kind.value, row.entity.id)):
                yield Missing(row.entity.kind.value, row.entity.id, row.subject)

    def _is_expected(self, row: FactRow) -> bool:
        """An empty list of a kind proves nothing: a feature may be switched off, a permission withdrawn."""
        known_before = made_at(row.register.event_id) < self.started_at
        over = row.register.body.get("status") == "ended"
        return row.entity.kind in self.kinds and known_before and not over


def _live_facts(ledger: Ledger, source: str) -> Iterator[FactRow]:
    after = ("", "")
    while True:
        with ledger.transaction() as tx:
            rows = tx.facts.of_source(source, after, _FACTS_AT_ONCE)
        yield from (row for row in rows if not row.register.deleted)
        if len(rows) < _FACTS_AT_ONCE:
            return
        after = (rows[-1].entity.kind.value, rows[-1].entity.id)


def _mark(kind: str, entity_id: str) -> int:
    digest = hashlib.blake2b(f"{kind}:{entity_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _holds(marks: array[int], mark: int) -> bool:
    at = bisect_left(marks, mark)
    return at < len(marks) and marks[at] == mark
