"""A sample event made fresh: new event id, its times moved to now, the user's own values set. Pure."""

from __future__ import annotations

import copy
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from unkey_sync.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENT_IDS: Final = ("id", "event_id", "eventId", "uid", "uuid", "notification_id", "webhook_id")
"""Where vendors put the id of the event itself, at the top of the body."""
_UNITS: Final = ((10**15, 1), (10**12, 1_000), (10**9, 1_000_000))
"""A number from here on is an instant in units of so many microseconds (year 2001 to 2286)."""


def freshen(
    sample: Mapping[str, Any], now: int, new_id: Callable[[], uuid.UUID] = uuid.uuid4
) -> dict[str, Any]:
    """A copy that happened at `now` (microseconds): all its times move together, so that periods keep their
    length.
    """
    event = dict(copy.deepcopy(sample))
    for name in EVENT_IDS:
        if isinstance(event.get(name), str):
            event[name] = _new_id(event[name], new_id())
    stated = [instant for _, instant in _instants(event, depth=1)] or [one for _, one in _instants(event)]
    if not stated:
        return event
    moved: dict[str, Any] = _shift(event, now - max(stated))
    return moved


def override(event: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Set `path=value` pairs, e.g. `data.id=user_1`, `data.items.0.quantity=3`. Raises `ValueError`."""
    for setting in settings:
        path, separator, text = setting.partition("=")
        if not separator or not path:
            raise ValueError("--set wants path=value, e.g. data.id=user_1")
        _put(event, path.split("."), _value(text))
    return event


def _put(event: Any, path: Sequence[str], value: Any) -> None:
    *inner, last = path
    for name in inner:
        event = event[_key(event, name)] if not isinstance(event, dict) else event.setdefault(name, {})
    event[_key(event, last)] = value


def _key(container: Any, name: str) -> Any:
    if isinstance(container, dict):
        return name
    if isinstance(container, list) and name.isdecimal() and int(name) < len(container):
        return int(name)
    raise ValueError(f"--set: nothing is called {name} there")


def _value(text: str) -> Any:
    """JSON if it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _new_id(old: str, fresh: uuid.UUID) -> str:
    prefix, underscore, _ = old.rpartition("_")
    return f"{prefix}{underscore}{fresh.hex}" if underscore else str(fresh)


def _instants(value: Any, depth: int = 64) -> Iterator[tuple[Any, int]]:
    """Every value that is an instant, with that instant in microseconds; `depth` 1 looks at the top only."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        if (instant := _instant(child)) is not None:
            yield child, instant
        elif depth > 1:
            yield from _instants(child, depth - 1)


def _instant(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return next((value * unit for least, unit in _UNITS if least <= value < 9 * least), None)
    if isinstance(value, str) and _ISO.match(value):
        return _parse(value)
    return None


def _parse(text: str) -> int | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def _shift(value: Any, delta: int) -> Any:
    if isinstance(value, dict):
        return {name: _shift(child, delta) for name, child in value.items()}
    if isinstance(value, list):
        return [_shift(child, delta) for child in value]
    instant = _instant(value)
    return value if instant is None else _like(value, instant + delta)


def _like(old: Any, instant: int) -> Any:
    """`instant` written the way the sample writes it."""
    if isinstance(old, int):
        return instant // next(unit for least, unit in _UNITS if old >= least)
    moved = (_EPOCH + timedelta(seconds=instant // SECOND)).isoformat(timespec="seconds")
    return moved.replace("+00:00", "Z") if old.endswith("Z") else moved
