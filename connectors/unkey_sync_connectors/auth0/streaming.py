"""Auth0's Events API: what happened since, on a connection that tells the past first and then stays open.

Source: Auth0 docs, "Consume Events with the Events API". Catching up hangs up as soon as the past is told. Where
the API is not to be had, or no longer reaches back so far, `listing.changes` has to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors import observed
from unkey_sync_connectors.auth0 import listing
from unkey_sync_connectors.auth0.events import FEED_TYPES, read_feed_event
from unkey_sync_connectors.base import Gone, Malformed, Page, Unusable
from unkey_sync_connectors.payload import Fields, read_object
from unkey_sync_connectors.sse import Message, Reader
from unkey_sync_connectors.timestamps import to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unkey_sync_connectors.base import Api, ApiStream, SourceConfig
    from unkey_sync_connectors.event import Event

PATH = "/api/v2/events"
EXPIRED = "Auth0 no longer has the position that we had reached"
UNREADABLE = "an event of Auth0's stream cannot be read"

MOST_BARREN = 3
"""After so many connections in a row without an event there is none to be had."""

_OFFSET_ONLY = "offset-only"
_ERROR = "error"
_PLACE = "from:"
_HEADERS = {"accept": "text/event-stream"}


def catch_up(config: SourceConfig, api: Api, since: int, checkpoint: str | None) -> Iterator[Page]:
    """What happened since. A checkpoint is Auth0's offset or, where there is no stream, one of `listing.changes`."""
    gap = ""
    if checkpoint is None or checkpoint.startswith(_PLACE):
        replay = _Replay(config, since, (checkpoint or "").removeprefix(_PLACE))
        try:
            yield from replay.pages(api)
        except Gone as gone:
            checkpoint, gap = None, EXPIRED if gone.expired else ""
        else:
            return
    yield from listing.changes(config, api, since, checkpoint, gap)


@dataclass(slots=True)
class _Replay:
    """How far one catch-up has come. `offset` "" means: from `since` on."""

    config: SourceConfig
    since: int
    offset: str
    gap: str = ""
    caught_up: bool = False
    barren: int = 0

    def pages(self, api: Api) -> Iterator[Page]:
        """Auth0 hangs up now and then; each connection goes on where the one before it was. Raises Gone."""
        while not self.caught_up:
            try:
                yield from self._connect(api)
            except Gone:
                if not self.offset:
                    raise
                self.offset, self.gap = "", EXPIRED

    def _connect(self, api: Api) -> Iterator[Page]:
        self.barren += 1
        found: list[Event] = []
        params = {"event_type": FEED_TYPES, **self._position()}
        with api.stream(PATH, params, _HEADERS) as stream:
            for events in self._listen(stream):
                found += events
                if len(found) >= observed.FEED_PAGE:
                    yield self._page(found)
                    found = []
        # Without a date nobody can say when the past is told; the next catch-up goes on from what was.
        self.caught_up = self.caught_up or self.barren == MOST_BARREN or stream.date is None
        yield self._page(found)

    def _position(self) -> Mapping[str, str]:
        if self.offset:
            return {"from": self.offset}
        return {"from_timestamp": to_iso(self.since - listing.CATCH_UP_MARGIN)}

    def _listen(self, stream: ApiStream) -> Iterator[Sequence[Event]]:
        """Events until the past is told: something newer than our question came, or nothing for a while."""
        reader = Reader()
        for chunk in stream.chunks:
            for message in reader.feed(chunk):
                if message.event == _ERROR:
                    if self.barren:
                        raise Gone("the stream ended with an error", expired=True)
                    return
                events = self._read(message)
                yield events
                newest = max((event.occurred_at for event in events), default=0)
                self.caught_up = self.caught_up or (stream.date is not None and newest >= stream.date)
            self.caught_up = self.caught_up or not chunk
            if self.caught_up:
                return

    def _read(self, message: Message) -> Sequence[Event]:
        self.offset = message.id or self.offset
        if message.event == _OFFSET_ONLY:
            return []
        self.barren = 0
        try:
            told = Fields(read_object(message.data)).fields("event")
            # The stream is the token's own tenant's, whether or not an event names it.
            account = told.id_or_none("a0tenant") or self.config.account
            return [read_feed_event(self.config, Fields({**told.raw(), "a0tenant": account}))]
        except (Malformed, Unusable):
            self.gap = UNREADABLE
            return []

    def _page(self, events: Sequence[Event]) -> Page:
        checkpoint = f"{_PLACE}{self.offset}"
        return Page(events=events, checkpoint=checkpoint, last=self.caught_up, gap=self.gap)
