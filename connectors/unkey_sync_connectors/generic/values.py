"""What a found JSON value means where a text, a number, an instant or a list is wanted. Never guesses.

Every function raises Wrong, which says what is the matter and never quotes the value.
"""

from __future__ import annotations

import re
from typing import Any

from unkey_sync_connectors.event import ORDER_STATUSES, SUBSCRIPTION_STATUSES
from unkey_sync_connectors.payload import MAX_ID_LENGTH, MAX_INTEGER
from unkey_sync_connectors.timestamps import BadTimestamp, Instant, read_instant

MAX_TEXT = 4_096
"""Longest text that is taken out of a delivery, in characters."""
MAX_LIST = 1_000
"""Most elements of a list that is taken out of a delivery."""

_INTEGER = re.compile(r"-?[0-9]{1,16}", re.ASCII)
_BLOCKS = frozenset({"banned", "locked", "deprovisioned"})


class Wrong(Exception):  # noqa: N818
    """A value that cannot be what it should be. The message fits behind the field's name."""


def to_text(value: Any) -> str | None:
    """A text, or a whole number written as one; the empty text counts as missing."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Wrong("is not a text")
    if len(value) > MAX_TEXT:
        raise Wrong(f"is longer than {MAX_TEXT} characters")
    if "\0" in value:
        raise Wrong("contains NUL")
    return value


def to_id(value: Any) -> str | None:
    text = to_text(value)
    if text is not None and len(text) > MAX_ID_LENGTH:
        raise Wrong(f"is longer than {MAX_ID_LENGTH} characters")
    return text


def to_integer(value: Any) -> int | None:
    """A whole number, or one written as text."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_INTEGER:
        raise Wrong("is not a whole number")
    return value


def to_flag(value: Any) -> bool:
    """A boolean; missing means false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Wrong("is not true or false")


def to_instant(value: Any) -> Instant | None:
    if value is None or value == "" or isinstance(value, Instant):
        return value or None
    try:
        return read_instant(value)
    except BadTimestamp:
        raise Wrong("is not a timestamp") from None


def to_microseconds(value: Any) -> int | None:
    instant = to_instant(value)
    return instant.us if instant else None


def to_texts(value: Any) -> list[str]:
    """The texts of a list, or one text for a list of one; missing means none."""
    texts = [to_id(one) for one in to_list([value] if isinstance(value, str) else value)]
    return [text for text in texts if text is not None]


def to_list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Wrong("is not a list")
    if len(value) > MAX_LIST:
        raise Wrong(f"has more than {MAX_LIST} elements")
    return value


def to_status(value: Any) -> str | None:
    """One of our subscription statuses."""
    return _one_of(value, SUBSCRIPTION_STATUSES)


def to_order_status(value: Any) -> str | None:
    """One of our order statuses."""
    return _one_of(value, ORDER_STATUSES)


def to_blocked(value: Any) -> str | None:
    """Why somebody may not act: `banned`, `locked` or `deprovisioned`; true is `banned`, false is nothing."""
    if isinstance(value, bool):
        return "banned" if value else None
    return _one_of(value, _BLOCKS)


def _one_of(value: Any, known: frozenset[str]) -> str | None:
    text = to_text(value)
    if text is not None and text not in known:
        raise Wrong(f"is none of {', '.join(sorted(known))}")
    return text
