"""Instants as vendors write them, read into integer microseconds since the epoch, UTC.

Reads the forms of webhook vendors only: no local time, no week dates, no floats. Knows no clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
DAY = 86_400 * SECOND
MILLISECOND = 1_000

_LATEST = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z: later instants cannot be shown, and no vendor means them."""

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)


class BadTimestamp(ValueError):  # noqa: N818  -- named after what it is, like every error here
    """Not an instant in any form that a source uses. The message never quotes the value."""


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """`us`: microseconds since the epoch, UTC. `tick`: length in microseconds of one step of its clock."""

    us: int
    tick: int


def read_instant(value: object) -> Instant:
    """Read seconds, milliseconds, microseconds or nanoseconds (told apart by magnitude), or ISO 8601.

    Numbers may come as integers or as plain ASCII digits. ISO takes `T` or a space, 0 to 9 fraction digits,
    `Z`, an offset, or nothing (UTC). Digits beyond microseconds are cut off. Raises BadTimestamp.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_number(value)
    if isinstance(value, str):
        return _from_number(int(value)) if _DIGITS.fullmatch(value) else _from_iso(value)
    raise BadTimestamp("neither a number nor a text")


def to_microseconds(value: object) -> int:
    """`read_instant` without the tick."""
    return read_instant(value).us


def to_iso(us: int) -> str:
    """`2026-01-31T12:00:00.000Z`: microseconds as vendors take them in a query; before 1970 is 1970."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=max(us, 0))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _from_number(number: int) -> Instant:
    if number < 0:
        raise BadTimestamp("before 1970")
    if number < 100_000_000_000:
        return _checked(number * SECOND, SECOND)
    if number < 100_000_000_000_000:
        return _checked(number * MILLISECOND, MILLISECOND)
    if number < 100_000_000_000_000_000:
        return _checked(number, 1)
    return _checked(number // 1_000, 1)


def _from_iso(text: str) -> Instant:
    found = _ISO.fullmatch(text)
    if found is None:
        raise BadTimestamp("no known form")
    *parts, fraction, sign, hours, minutes = found.groups()
    try:
        year, month, day, hour, minute, second = (int(part) for part in parts)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise BadTimestamp("no such date or time") from None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    whole_seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC) - offset) // timedelta(seconds=1)
    fraction = (fraction or "")[:6]
    return _checked(whole_seconds * SECOND + int(fraction.ljust(6, "0")), 10 ** (6 - len(fraction)))


def _checked(us: int, tick: int) -> Instant:
    if not 0 <= us <= _LATEST:
        raise BadTimestamp("out of range")
    return Instant(us, tick)
