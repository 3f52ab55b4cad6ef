"""Events about objects that were read from a source's API, by a fetch, a listing or a feed.

They have no sender's id and, at some sources, no version of their own: both are made here. Does no I/O.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync_connectors.base import Page
from unkey_sync_connectors.event import Entity, Event, EventOp
from unkey_sync_connectors.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync_connectors.base import SourceConfig

FETCH = "fetch"
BACKFILL = "backfill"
CATCH_UP = "catch_up"

FEED_PAGE = 100


def blank(config: SourceConfig, event_type: str, date: int | None) -> Event:
    """The event to fill in for an object in an answer of the API. `date`: see `ApiReply.date`.

    Until something better is known the version is that date, or 0, which overrules nothing.
    """
    version = date or 0
    return Event(
        source=config.name,
        account=config.account,
        delivery_id="",
        type=event_type,
        occurred_at=version,
        op=EventOp.IGNORE,
        version=version,
        resolution=SECOND,
    )


def named(event: Event, distinct: str) -> Event:
    """Give an observation the id by which it is recognised when it is seen again.

    `distinct`: what differs between two observations of one entity that must both be heard.
    """
    entity = event.entity
    subject = f"{entity.kind}:{entity.id}" if entity else "none"
    return replace(event, delivery_id=f"list:{subject}:{distinct}", occurred_at=event.version)


def versioned(event: Event) -> Event:
    """Recognised by version and content, for sources whose objects carry their own version.

    By content, too: some changes do not move the version (an edited role, in a membership's permissions).
    """
    return named(event, f"{event.version}:{digest(event.body)}")


def oldest_first(events: Sequence[Event], since: int) -> Iterator[Page]:
    """Pages of a feed that was read newest first. A checkpoint is a later `since`. Never empty."""
    ordered = sorted(events, key=lambda event: event.occurred_at)
    for start in range(0, max(len(ordered), 1), FEED_PAGE):
        chunk = ordered[start : start + FEED_PAGE]
        reached = max([since, *(event.occurred_at for event in chunk)])
        yield Page(events=chunk, checkpoint=str(reached), last=start + FEED_PAGE >= len(ordered))


def digest(content: Any) -> str:
    """A short stable digest of JSON content."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def deleted(base: Event, entity: Entity, owner: Entity | None, member: Entity | None = None) -> Event:
    """The source's API does not know the object (any more).

    Never terminal: an API key of the wrong account knows none of our objects, and that must not bury them for
    ever.
    """
    gone = replace(base, op=EventOp.DELETE, entity=entity, owner=owner, member=member, rank=2)
    return named(gone, f"gone:{base.version}")
