"""What happens to `meta` on its way through a server written in Go:
numbers become doubles, and size counts escaped.
"""

from __future__ import annotations

from typing import Any

import orjson

_EXACT = 2**53
_PLAIN_BELOW = 1e21
_MEBIBYTE = 1 << 20


def as_stored(value: Any) -> Any:
    """Integers beyond 2^53 lose their last digits; 1.0 comes back as 1."""
    if isinstance(value, dict):
        return {name: as_stored(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_stored(item) for item in value]
    if type(value) is int and abs(value) > _EXACT:
        value = float(value)
    if type(value) is float and value.is_integer() and abs(value) < _PLAIN_BELOW:
        return int(value)
    return value


def size_of(meta: dict[str, Any]) -> int:
    """Bytes of the JSON as Go writes it:
    `<`, `>`, `&` take six bytes each, U+2028 and U+2029 twice their three.
    """
    text = orjson.dumps(meta)
    escaped = sum(text.count(char) for char in (b"<", b">", b"&"))
    separators = text.count(b"\xe2\x80\xa8") + text.count(b"\xe2\x80\xa9")
    return len(text) + 5 * escaped + 3 * separators


def too_large(meta: dict[str, Any]) -> str | None:
    """Why an identity cannot hold this meta, or None."""
    size = size_of(meta)
    if size <= _MEBIBYTE:
        return None
    return f"Metadata is too large: it must be at most 1.0 MB, but is {size / _MEBIBYTE:.1f} MB."
