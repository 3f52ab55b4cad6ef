"""From a message to what a connector reads, by the queue's configured format. Pure.

EventBridge: Amazon EventBridge event structure; Event Grid: Azure Event Grid event schema, or CloudEvents, which
Event Grid delivers when it is so configured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from unkey_sync_connectors.base import Delivery, Unusable

from unkey_sync.consume import cloudevents
from unkey_sync.consume.wrapping import Unwrapped, envelope_id, load_json, text_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.consume.message import Message


CLOUDEVENTS: Final = "cloudevents"


def unwrap(form: str, message: Message) -> list[Unwrapped]:
    """The events of one message, at least one. Raises Unusable: the message is not what it was said to be."""
    return _FORMS[form](message)


def _vendor(message: Message) -> list[Unwrapped]:
    return [Unwrapped(Delivery(message.body, message.headers))]


def _eventbridge(message: Message) -> list[Unwrapped]:
    envelope = load_json(message.body)
    if not isinstance(envelope, dict):
        raise Unusable("an EventBridge event is an object")
    text_at(envelope, "detail-type")
    identity = envelope_id("eventbridge", text_at(envelope, "id"))
    return [Unwrapped(Delivery(_body(envelope, "detail"), message.headers), identity)]


def _eventgrid(message: Message) -> list[Unwrapped]:
    found = load_json(message.body)
    events = found if isinstance(found, list) else [found]
    if not events:
        raise Unusable("an empty batch")
    return [_grid_event(event, message) for event in events]


def _grid_event(event: Any, message: Message) -> Unwrapped:
    if not isinstance(event, dict):
        raise Unusable("an event of the batch is no object")
    if "specversion" in event:
        return cloudevents.structured(event, message.headers)
    text_at(event, "eventType")
    # `topic` is the publisher; Event Grid promises the id to be unique within it.
    identity = envelope_id("eventgrid", str(event.get("topic") or ""), text_at(event, "id"))
    return Unwrapped(Delivery(_body(event, "data"), message.headers), identity)


def _body(envelope: dict[str, Any], name: str) -> bytes:
    inner = envelope.get(name)
    if isinstance(inner, str) and inner:
        return inner.encode()
    if not isinstance(inner, dict):
        raise Unusable(f"{name} is missing")
    return orjson.dumps(inner)


_FORMS: Final[dict[str, Callable[[Message], list[Unwrapped]]]] = {
    "vendor": _vendor,
    CLOUDEVENTS: cloudevents.unwrap,
    "eventbridge": _eventbridge,
    "eventgrid": _eventgrid,
}
