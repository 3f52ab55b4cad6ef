"""A file as a feed: pages with checkpoints, so that a killed import goes on behind its last stored page."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson
from unkey_sync_connectors.base import Page, Unusable

from unkey_sync.feeder import Feed
from unkey_sync.files.reading import Place, Row, count_rows, read_rows
from unkey_sync.files.rows import Defaults, to_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unkey_sync_connectors.event import Event

PAGE_SIZE = 500
BAD_SHOWN = 20
_SAMPLE = 65_536


class FileFeed:
    """One file's rows as pages. Rows that cannot be used are counted, the first of them told, and passed over."""

    def __init__(self, source: str, path: Path, defaults: Defaults) -> None:
        self._source = source
        self._path = path
        self._defaults = defaults
        self.bad_count = 0
        self.bad: list[str] = []

    def feed(self) -> Feed:
        """Named after the file's content: another content is another import."""
        return Feed(self._source, f"file:{fingerprint(self._path)}", lambda _, at: self.pages(at))

    def pages(self, checkpoint: str | None) -> Iterator[Page]:
        total = count_rows(self._path)
        place = Place(*orjson.loads(checkpoint)) if checkpoint else Place()
        events: list[Event] = []
        read = 0
        for row in read_rows(self._path, place):
            events += self._events(row)
            place, read = row.after, read + 1
            if read == PAGE_SIZE:
                yield Page(events=events, checkpoint=_dump(place), last=False, total=total)
                events, read = [], 0
        yield Page(events=events, checkpoint=_dump(place), last=True, total=total)

    def _events(self, row: Row) -> list[Event]:
        try:
            if row.values is not None:
                return [to_event(self._source, row.values, self._defaults)]
            self._note(row, row.problem)
        except Unusable as problem:
            self._note(row, problem.reason)
        return []

    def _note(self, row: Row, problem: str) -> None:
        self.bad_count += 1
        if len(self.bad) < BAD_SHOWN:
            self.bad.append(f"line {row.line}: {problem}")


def fingerprint(path: Path) -> str:
    """Tells files apart by size, beginning and end."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(_SAMPLE)
        handle.seek(max(size - _SAMPLE, 0))
        tail = handle.read(_SAMPLE)
    return hashlib.sha256(b"%d:" % size + head + tail).hexdigest()[:16]


def _dump(place: Place) -> str:
    return orjson.dumps([place.offset, place.line]).decode()
