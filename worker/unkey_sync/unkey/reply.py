"""What can come of one attempt, as values: Reply, Lost, NotSent, Held. Pure; knows no HTTP library.

Nothing here keeps a body, a detail text or an error title: they may quote what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE_PREFIX = "https://unkey.com/docs/errors/"
REQUEST_ID = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
LOCATION = re.compile(r"[A-Za-z0-9_./\-\[\]$]{1,128}")
ERROR_TYPE = re.compile(r"[a-z0-9_/]{1,128}")
MAX_LOCATIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `type` is the suffix of Unkey's error type, empty when the answer is not Unkey's own.

    `data` and `page` are the parts of a success envelope.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    type: str = ""
    request_id: str = ""
    locations: tuple[str, ...] = ()
    data: Any = field(repr=False, default=None)
    page: Any = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Lost:
    """The request may have been carried out; no usable answer came."""

    why: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely nothing left this machine.

    `ours`: for want of a free connection, which says nothing about Unkey.
    """

    why: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The gate did not let the call out."""

    why: str
    after_s: float


Outcome = Reply | Lost | NotSent | Held


def read_reply(status: int, headers: Mapping[str, str], body: bytes) -> Reply | Lost:
    """Understand an answer of any status and content type; `headers` with lower-case names.

    A success that is not Unkey's envelope (half a JSON, a proxy's page) is `Lost`: nobody knows what
    happened.
    """
    envelope = _envelope(headers, body)
    meta = envelope.get("meta")
    if not isinstance(meta, dict) and 200 <= status < 300:
        return Lost(f"status {status} without Unkey's envelope")
    error = envelope.get("error")
    return Reply(
        status=status,
        headers=headers,
        type=_error_type(error),
        request_id=_matching(REQUEST_ID, meta.get("requestId") if isinstance(meta, dict) else None),
        locations=_locations(error),
        data=envelope.get("data"),
        page=envelope.get("pagination"),
    )


def _envelope(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    # We ask for identity; whoever compresses all the same gets no chance to unpack a bomb.
    if headers.get("content-encoding", "identity").lower() != "identity":
        return {}
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _error_type(error: object) -> str:
    full = error.get("type") if isinstance(error, dict) else None
    if not isinstance(full, str) or not full.startswith(TYPE_PREFIX):
        return ""
    return _matching(ERROR_TYPE, full.removeprefix(TYPE_PREFIX))


def _locations(error: object) -> tuple[str, ...]:
    entries = error.get("errors") if isinstance(error, dict) else None
    if not isinstance(entries, list):
        return ()
    named = (_matching(LOCATION, entry.get("location")) for entry in entries if isinstance(entry, dict))
    return tuple(location for location in named if location)[:MAX_LOCATIONS]


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
