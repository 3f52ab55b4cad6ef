"""CloudEvents 1.0 over HTTP: structured, binary and batch, each event as one document.

A document has the attributes at its top and the payload under `data`, whatever mode it came in. Knows no rules
and no signatures: CloudEvents have none of their own. Source: CloudEvents HTTP protocol binding 1.0.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import orjson

from unkey_sync_connectors.base import Malformed
from unkey_sync_connectors.payload import MAX_ID_LENGTH, read_object, read_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync_connectors.base import Delivery

STRUCTURED, BATCH = "application/cloudevents", "application/cloudevents-batch"
"""How the content type of these two modes begins; every other one is binary."""
MAX_BATCH = 1_000
"""Most events in one batch."""

_JSON = re.compile(r"[^/]+/(?:[^;]+\+)?json\s*(?:;|$)", re.IGNORECASE)
_CONTENT = ("data", "data_base64", "datacontenttype")
_REQUIRED = ("id", "source", "specversion", "type")


def is_batch(delivery: Delivery) -> bool:
    return _content_type(delivery).startswith(BATCH)


def read_documents(delivery: Delivery) -> list[dict[str, Any]]:
    """The events of a delivery, all of them or none. Raises Malformed."""
    if is_batch(delivery):
        found = read_value(delivery.body)
        if not isinstance(found, list) or len(found) > MAX_BATCH:
            raise Malformed(f"not a batch of at most {MAX_BATCH} CloudEvents")
        return [_structured(one) for one in found]
    if _content_type(delivery).startswith(STRUCTURED):
        return [_structured(read_object(delivery.body))]
    return [_binary(delivery)]


def kept(delivery: Delivery) -> bytes:
    """A body that says everything: in binary mode the attributes are in headers, and those are not stored."""
    if is_batch(delivery) or _content_type(delivery).startswith(STRUCTURED):
        return delivery.body
    try:
        event = _binary(delivery)
    except Malformed:
        return delivery.body
    content_type = delivery.headers.get("content-type")
    typed = {"datacontenttype": content_type} if content_type else {}
    data = {"data_base64": base64.b64encode(delivery.body).decode()} if delivery.body else {}
    attributes = {name: value for name, value in event.items() if name not in _CONTENT}
    return orjson.dumps({**attributes, **typed, **data})


def delivery_id(document: Mapping[str, Any]) -> str:
    """Source and id together name an event. Two different pairs never share one text."""
    event_id = document["id"].replace("%", "%25").replace("@", "%40")
    joined = f"{event_id}@{document['source']}"
    return joined if len(joined) <= MAX_ID_LENGTH else "ce:" + hashlib.sha256(joined.encode()).hexdigest()


def _structured(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise Malformed("not a CloudEvent")
    return _checked(event | {"data": _embedded(event)})


def _embedded(event: Mapping[str, Any]) -> Any:
    encoded = event.get("data_base64")
    if encoded is None:
        return event.get("data")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Malformed("data_base64 is not base64") from None
    return _payload(raw, event.get("datacontenttype"))


def _binary(delivery: Delivery) -> dict[str, Any]:
    attributes = {
        name.removeprefix("ce-"): _attribute(value)
        for name, value in delivery.headers.items()
        if name.startswith("ce-")
    }
    return _checked({**attributes, "data": _payload(delivery.body, delivery.headers.get("content-type"))})


def _attribute(value: str) -> str:
    """A header's value: perhaps quoted, percent-encoded UTF-8, needlessly or not."""
    if not value.isascii():
        raise Malformed("an attribute is not ASCII")
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise Malformed("an attribute is not UTF-8") from None


def _payload(raw: bytes, content_type: object) -> Any:
    """What is not JSON has no fields to read. Without a content type it is JSON."""
    if not raw or (isinstance(content_type, str) and not _JSON.match(content_type.strip())):
        return None
    return read_value(raw)


def _checked(event: dict[str, Any]) -> dict[str, Any]:
    for name in _REQUIRED:
        value = event.get(name)
        if not isinstance(value, str) or not value or "\0" in value:
            raise Malformed(f"the CloudEvent has no {name}")
    if event["specversion"] != "1.0":
        raise Malformed("not version 1.0 of CloudEvents")
    return event


def _content_type(delivery: Delivery) -> str:
    """What was kept of a delivery has no headers: its body tells a batch from an event."""
    if not delivery.headers:
        return BATCH if delivery.body.lstrip()[:1] == b"[" else STRUCTURED
    return delivery.headers.get("content-type", "").strip().lower()
