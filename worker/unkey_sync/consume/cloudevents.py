"""CloudEvents 1.0 off a message: structured, batched or binary.

Source: CloudEvents 1.0.2, its JSON format, its Kafka, AMQP and HTTP bindings. Knows the envelope only; `data`, or
the whole event, goes on as bytes to whoever understands it.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from unkey_sync_connectors.base import Delivery, Unusable

from unkey_sync.consume.wrapping import Unwrapped, envelope_id, load_json, text_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.consume.message import Message

_BINARY_PREFIXES = ("ce_", "ce-", "cloudevents:", "cloudevents_")
"""Kafka, HTTP, and the two spellings of AMQP."""


def unwrap(message: Message) -> list[Unwrapped]:
    """The events of one message. Raises Unusable when it holds none, or one of a batch is none."""
    attributes = _binary_attributes(message.headers)
    if "specversion" in attributes:
        return [Unwrapped(Delivery(message.body, message.headers), _identity(attributes))]
    found = load_json(message.body)
    events = found if isinstance(found, list) else [found]
    if not events:
        raise Unusable("an empty batch")
    return [structured(event, message.headers) for event in events]


def as_http(message: Message) -> Delivery:
    """The same event as it would have come by HTTP, for a connector that reads the envelope itself."""
    content_type = message.headers.get("content-type", "")
    attributes = _binary_attributes(message.headers)
    if content_type.lower().startswith("application/cloudevents"):
        return Delivery(message.body, message.headers)
    if "specversion" in attributes:
        # HTTP percent-encodes what other bindings carry as it is.
        named = {f"ce-{name}": quote(value, safe="/:") for name, value in attributes.items()}
        return Delivery(message.body, {**message.headers, **named})
    mode = "-batch" if message.body.lstrip()[:1] == b"[" else ""
    return Delivery(message.body, {**message.headers, "content-type": f"application/cloudevents{mode}+json"})


def structured(event: Any, headers: Mapping[str, str]) -> Unwrapped:
    """An event in the JSON format. Raises Unusable."""
    if not isinstance(event, dict):
        raise Unusable("an event of the batch is no object")
    return Unwrapped(Delivery(_data(event), headers), _identity(event))


def _binary_attributes(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value
        for name, value in headers.items()
        for prefix in _BINARY_PREFIXES
        if name.startswith(prefix)
    }


def _identity(attributes: Mapping[str, Any]) -> str:
    if not text_at(attributes, "specversion").startswith("1."):
        raise Unusable("specversion is not 1.x")
    text_at(attributes, "type")
    return envelope_id("ce", text_at(attributes, "source"), text_at(attributes, "id"))


def _data(event: Mapping[str, Any]) -> bytes:
    if "data_base64" in event:
        try:
            return base64.b64decode(text_at(event, "data_base64"), validate=True)
        except binascii.Error:
            raise Unusable("data_base64 is not base64") from None
    if "data" not in event:
        raise Unusable("data is missing")
    data = event["data"]
    return data.encode() if isinstance(data, str) else orjson.dumps(data)
