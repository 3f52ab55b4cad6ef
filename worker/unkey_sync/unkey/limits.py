"""What Unkey accepts in a field, checked before sending: several of our mistakes would come back as a 500.

Everything that does not fit raises `Park` naming the field, never its value. Source: Unkey v2 OpenAPI
document; sizes and collation as observed on the real handlers.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.errors import Park

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unkey_sync.model import RateLimit

log = logging.getLogger(__name__)

EXTERNAL_ID = re.compile(r"[a-zA-Z0-9_.\-]{1,255}")
OBJECT_ID = re.compile(r"[a-zA-Z0-9_]{3,255}")
PREFIX = re.compile(r"[a-zA-Z0-9_]{1,16}")
SLUG = re.compile(r"[a-zA-Z0-9_:\-.*]{1,128}")
ANY = re.compile(r".+", re.DOTALL)

IDENTITY_META_BYTES = 1_048_576
IDENTITY_META_ADVICE = 10_240
KEY_META_BYTES = 65_535
META_DEPTH = 32
MAX_SAFE_INTEGER = 2**53
MAX_INT64 = 2**63 - 1
MAX_EXPIRES = 4_102_444_800_000


def text(field: str, value: str, pattern: re.Pattern[str] = ANY, longest: int = 255) -> str:
    if not pattern.fullmatch(value) or len(value) > longest:
        raise Park(f"{field} is empty, too long or holds characters that Unkey refuses")
    return value


def whole(field: str, value: int, least: int, most: int = MAX_INT64) -> int:
    if isinstance(value, bool) or not least <= value <= most:
        raise Park(f"{field} must be a whole number from {least} to {most}")
    return value


def slugs(field: str, values: Iterable[str], most: int | None = 1000) -> list[str]:
    """Permission slugs without repetition; Unkey ignores case and accents."""
    return _distinct(field, [text(field, value, SLUG, 128) for value in values], most)


def role_names(field: str, values: Iterable[str]) -> list[str]:
    return _distinct(field, [text(field, value, longest=128) for value in values], 100)


def ratelimits(field: str, values: Sequence[RateLimit]) -> list[dict[str, Any]]:
    """Sorted by name; a name with two meanings is refused."""
    distinct = sorted(set(values))
    if len({value.name for value in distinct}) < len(distinct):
        raise Park(f"{field} has two different limits of one name")
    if len(distinct) > 50:
        raise Park(f"{field} has more than 50 entries")
    return [_ratelimit(field, value) for value in distinct]


def identity_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    size = _meta("meta", meta, IDENTITY_META_BYTES)
    if size > IDENTITY_META_ADVICE:
        log.warning("identity meta of %d bytes; Unkey advises to stay under %d", size, IDENTITY_META_ADVICE)
    return dict(meta)


def key_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    _meta("meta", meta, KEY_META_BYTES)
    return dict(meta)


def _ratelimit(field: str, value: RateLimit) -> dict[str, Any]:
    if len(value.name) < 3:
        raise Park(f"{field}.name must have 3 to 128 characters")
    return {
        "name": text(f"{field}.name", value.name, longest=128),
        "limit": whole(f"{field}.limit", value.limit, 1),
        "duration": whole(f"{field}.duration", value.duration, 1000),
        "autoApply": value.auto_apply,
    }


def _distinct(field: str, values: Iterable[str], most: int | None) -> list[str]:
    kept: dict[str, str] = {}
    for value in values:
        kept.setdefault(_fold(value), value)
    if most is not None and len(kept) > most:
        raise Park(f"{field} has more than {most} entries")
    return list(kept.values())


def _fold(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _meta(field: str, meta: Mapping[str, Any], most: int) -> int:
    if len(meta) > 100:
        raise Park(f"{field} has more than 100 top-level properties")
    _check_value(field, dict(meta), META_DEPTH)
    try:
        size = _stored_size(orjson.dumps(dict(meta)))
    except TypeError:
        raise Park(f"{field} holds something that is not JSON") from None
    if size > most:
        raise Park(f"{field} takes {size} bytes; Unkey stores at most {most}")
    return size


def _check_value(field: str, value: object, depth: int) -> None:
    if depth == 0:
        raise Park(f"{field} is nested too deeply")
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_value(f"{field}.{name}", inner, depth - 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_value(f"{field}[]", inner, depth - 1)
    else:
        _check_scalar(field, value)


def _check_scalar(field: str, value: object) -> None:
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        raise Park(f"{field} is an integer beyond 2^53, which Unkey rounds; send it as a text")
    if isinstance(value, float) and value - value != 0:
        raise Park(f"{field} is not a finite number")


def _stored_size(encoded: bytes) -> int:
    # Unkey's server writes the object again and spells these six bytes long.
    short = sum(encoded.count(letter) for letter in (b"<", b">", b"&"))
    separators = encoded.count("\u2028".encode()) + encoded.count("\u2029".encode())
    return len(encoded) + 5 * short + 3 * separators
