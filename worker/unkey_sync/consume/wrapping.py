"""What all envelopes have in common: strict JSON, required texts, an id that fits. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync_connectors.base import Delivery, Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_VALUES = 500_000
"""Most values in one message: a batch of a hundred events with the most that one event may have is no batch."""
_MAX_ID = 200


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What the connector is to read. `id`: the envelope's, stable over redeliveries; "" when there is none."""

    delivery: Delivery
    id: str = ""


def load_json(body: bytes) -> Any:
    """Strict JSON. Raises Unusable."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise Unusable("more values than any message has")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # The decoder's own error carries the whole document.
        raise Unusable("the message is not JSON") from None


def text_at(mapping: Mapping[str, Any], name: str) -> str:
    """A text that must be there. Raises Unusable with its name."""
    value = mapping.get(name)
    if not isinstance(value, str) or not value:
        raise Unusable(f"{name} is missing")
    return value


def envelope_id(form: str, *parts: str) -> str:
    """One delivery id from an envelope's parts; long ones as a digest."""
    plain = f"{form}:{'/'.join(parts)}"
    if len(plain) <= _MAX_ID and plain.isprintable():
        return plain
    return f"{form}:{hashlib.sha256(plain.encode(errors='replace')).hexdigest()}"
