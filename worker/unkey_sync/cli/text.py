"""Text for terminals: what came from outside cannot move the cursor, and instants are readable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def clean(text: str) -> str:
    """Control characters and line ends become visible escapes."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def instant(at: int | None) -> str:
    """Microseconds since the epoch as UTC; `-` for None."""
    if at is None:
        return "-"
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%d %H:%M:%SZ")
