"""Okta's log events: the same from an event hook, in batches, and from the System Log, under the same id.

Source: Okta's event type catalogue and event hook guide. Types that the tables do not name, and attempts that did
not succeed, are ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from unkey_sync_connectors import statements
from unkey_sync_connectors.base import Answer, Rejected, Unusable
from unkey_sync_connectors.event import Entity, Event, EventOp, Kind
from unkey_sync_connectors.okta import bodies
from unkey_sync_connectors.payload import Fields, body_digest, naming, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig
    from unkey_sync_connectors.signing import Proof

CHALLENGE = "x-okta-verification-challenge"
MAX_CHALLENGE_LENGTH = 256


def answer_challenge(delivery: Delivery, proof: Proof) -> Answer | None:
    """Okta's question whether this endpoint is ours, answered by repeating it. Raises Rejected."""
    challenge = delivery.headers.get(CHALLENGE)
    if challenge is None:
        return None
    proof.verify(delivery, 0)
    if not (challenge.isascii() and challenge.isprintable() and len(challenge) <= MAX_CHALLENGE_LENGTH):
        raise Rejected("bad_challenge")
    return Answer(body=orjson.dumps({"verification": challenge}))


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The events of one batch, each a delivery of its own: one may come in two batches.

    Raises Malformed, and Unusable for a batch with an event that cannot be understood; the System Log brings
    the others of such a batch.
    """
    envelope = Fields(read_object(delivery.body))
    batch_id = body_digest(config.name, delivery.body)
    with naming(batch_id):
        event_type = envelope.id("eventType")
    with naming(batch_id, event_type):
        host = envelope.text("source").partition("://")[2].partition("/")[0]
        rows = envelope.each("data.events")
        if not rows:
            raise Unusable("data.events is empty")
        return [event for row in rows for event in read_log_event(config, row, host)]


def read_feed_event(config: SourceConfig, row: Fields) -> Sequence[Event]:
    """The same for the System Log, where nobody can park a delivery: what cannot be understood is passed over."""
    try:
        return read_log_event(config, row, config.account)
    except Unusable:
        return []


def read_log_event(config: SourceConfig, row: Fields, account: str) -> Sequence[Event]:
    """What one log event says. Raises Unusable."""
    statements.check_account(config, "source", account)
    published = row.instant("published")
    blank = Event(
        source=config.name,
        account=account,
        delivery_id=row.id("uuid"),
        type=row.id("eventType"),
        occurred_at=published.us,
        op=EventOp.IGNORE,
        version=published.us,
        resolution=published.tick,
    )
    reader = _READERS.get(blank.type)
    return reader(blank, row) if reader and row.text_or_none("outcome.result") == _SUCCESS else [blank]


_SUCCESS = "SUCCESS"


def _target(row: Fields, kind: str) -> str:
    """The id of the one thing of this type that something was done to. Its place in the list means nothing."""
    found = [target for target in row.each("target") if target.text_or_none("type") == kind]
    if len(found) != 1:
        raise Unusable(f"target does not hold one {kind}")
    return found[0].id("id")


def _user_changed(blank: Event, row: Fields) -> Sequence[Event]:
    return [statements.signal(blank, Entity(Kind.USER, _target(row, "User")))]


def _blocked(word: str) -> Callable[[Event, Fields], Sequence[Event]]:
    """The user loses access at once; what else there is to know is then fetched."""

    def read(blank: Event, row: Fields) -> Sequence[Event]:
        event = bodies.blocked_user(blank, _target(row, "User"), word)
        return [event, statements.look_again(event)]

    return read


def _user_deleted(blank: Event, row: Fields) -> Sequence[Event]:
    """Told when deleting begins; its end is not told to hooks."""
    return [statements.delete(blank, Entity(Kind.USER, _target(row, "User")), terminal=True)]


def _group(blank: Event, row: Fields) -> Sequence[Event]:
    return [bodies.group(blank, _target(row, "UserGroup"))]


def _group_deleted(blank: Event, row: Fields) -> Sequence[Event]:
    return [statements.delete(blank, Entity(Kind.ORGANIZATION, _target(row, "UserGroup")), terminal=True)]


def _member_added(blank: Event, row: Fields) -> Sequence[Event]:
    return [statements.joined(blank, _target(row, "UserGroup"), _target(row, "User"))]


def _member_removed(blank: Event, row: Fields) -> Sequence[Event]:
    return [statements.left(blank, _target(row, "UserGroup"), _target(row, "User"))]


_READERS: dict[str, Callable[[Event, Fields], Sequence[Event]]] = {
    "user.lifecycle.create": _user_changed,
    "user.lifecycle.activate": _user_changed,
    "user.lifecycle.reactivate": _user_changed,
    "user.lifecycle.unsuspend": _user_changed,
    "user.account.update_profile": _user_changed,
    "user.account.update_primary_email": _user_changed,
    "user.lifecycle.suspend": _blocked("banned"),
    "user.lifecycle.deactivate": _blocked("deprovisioned"),
    "user.lifecycle.delete.initiated": _user_deleted,
    "group.lifecycle.create": _group,
    "group.profile.update": _group,
    "group.lifecycle.delete": _group_deleted,
    "group.user_membership.add": _member_added,
    "group.user_membership.remove": _member_removed,
}

FEED_TYPES = tuple(_READERS)
"""What to ask the System Log for."""
