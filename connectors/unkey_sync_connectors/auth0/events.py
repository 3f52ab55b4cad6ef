"""Auth0's events: CloudEvents 1.0 in structured mode, whatever the content type says.

Source: Auth0's event schemas. Types that the tables do not name are ignored. Order is not kept; `time` tells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors import statements
from unkey_sync_connectors.auth0 import bodies
from unkey_sync_connectors.base import Unusable
from unkey_sync_connectors.event import Event, EventOp
from unkey_sync_connectors.payload import Fields, naming, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig

_SPEC = "1.0"
_TEST = "test"


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The event of one delivery. Raises Malformed, Unusable."""
    return [read_event(config, Fields(read_object(delivery.body)))]


def read_event(config: SourceConfig, envelope: Fields) -> Event:
    """What one event says. Raises Unusable."""
    delivery_id = envelope.id("id")
    with naming(delivery_id):
        event_type = envelope.id("type")
    with naming(delivery_id, event_type):
        blank = _blank(config, envelope, delivery_id, event_type)
        reader = _READERS.get(event_type)
        if reader is None or envelope.text_or_none("a0purpose") == _TEST:
            return blank
        return reader(blank, envelope.fields("data.object"), config.metadata_keys)


def read_feed_event(config: SourceConfig, envelope: Fields) -> Event:
    """The same for a feed, where nobody can park a delivery: what cannot be understood is left to backfill."""
    try:
        return read_event(config, envelope)
    except Unusable as problem:
        return _blank(config, envelope, envelope.id("id"), problem.event_type)


def _blank(config: SourceConfig, envelope: Fields, delivery_id: str, event_type: str) -> Event:
    if envelope.text_or_none("specversion") != _SPEC:
        raise Unusable("specversion is not 1.0")
    account = envelope.id_or_none("a0tenant") or ""
    statements.check_account(config, "a0tenant", account)
    sent = envelope.instant("time")
    return Event(
        source=config.name,
        account=account,
        delivery_id=delivery_id,
        type=event_type,
        occurred_at=sent.us,
        op=EventOp.IGNORE,
        version=sent.us,
        resolution=sent.tick,
        rank=statements.RANKS.get(event_type.rpartition(".")[2], 1),
    )


_READERS: dict[str, Callable[[Event, Fields, frozenset[str]], Event]] = {
    "user.created": bodies.user,
    "user.updated": bodies.user,
    "user.deleted": bodies.user_deleted,
    "organization.created": bodies.organization,
    "organization.updated": bodies.organization,
    "organization.deleted": bodies.organization_deleted,
    "organization.member.added": bodies.member,
    "organization.member.deleted": bodies.member_deleted,
    "organization.member.role.assigned": bodies.grant,
    "organization.member.role.deleted": bodies.grant_deleted,
}

FEED_TYPES = tuple(_READERS)
"""What to ask the Events API for."""
