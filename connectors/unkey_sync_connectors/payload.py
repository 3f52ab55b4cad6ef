"""Strict reading of JSON that strangers wrote: raw bytes to an object, then field by field.

Errors name the field, never its value. Knows no vendor and keeps nothing that was not asked for by name.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from unkey_sync_connectors.base import Malformed, Unusable
from unkey_sync_connectors.timestamps import BadTimestamp, Instant, read_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_VALUES = 100_000
"""Most values in one body. Cost follows their number, not the bytes: this many take about 10 ms to build."""
MAX_ID_LENGTH = 255
"""Longest id or name of a type: beyond it no vendor goes and no database index follows."""
MAX_INTEGER = 2**53 - 1

_T = TypeVar("_T")


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Malformed for all that `read_value` refuses, and for other JSON."""
    found = read_value(body)
    if not isinstance(found, dict):
        raise Malformed("not a JSON object")
    return found


def read_value(body: bytes) -> Any:
    """The JSON in `body`. Raises Malformed.

    Refused: a byte order mark, invalid UTF-8, lone surrogates, NaN, numbers beyond a double, more than
    1,024 levels, more than MAX_VALUES values, trailing bytes. Of duplicate names the last counts.
    """
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise Malformed("more values than any event has")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # The decoder's own error carries the whole document.
        raise Malformed("not JSON") from None


def body_digest(source: str, body: bytes) -> str:
    """A delivery id for what names none: the same body is the same delivery."""
    return "body:" + hashlib.sha256(source.encode() + b"\0" + body).hexdigest()


@contextmanager
def naming(delivery_id: str | None, event_type: str = "unknown") -> Iterator[None]:
    """Let an Unusable raised inside say which delivery it is about, so that it can be stored."""
    try:
        yield
    except Unusable as problem:
        problem.delivery_id = delivery_id
        problem.event_type = event_type
        raise


class Fields:
    """A JSON object whose fields are read by dotted path. A missing field and a null one are the same.

    Every method raises Unusable with the full path when the field has the wrong type or, unless the name says
    `_or_none`, when it is missing.
    """

    __slots__ = ("_data", "_path")

    def __init__(self, data: dict[str, Any], path: str = "") -> None:
        self._data = data
        self._path = path

    def text(self, path: str) -> str:
        return self._present(path, self.text_or_none(path))

    def text_or_none(self, path: str) -> str | None:
        """A non-empty text; the empty one counts as missing, as some vendors write it for null."""
        value = self._find(path)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self._problem(path, "is not a text")
        if "\0" in value:
            raise self._problem(path, "contains NUL")
        return value

    def id(self, path: str) -> str:
        """An id, or a name that serves as one: non-empty, at most MAX_ID_LENGTH characters."""
        return self._present(path, self.id_or_none(path))

    def id_or_none(self, path: str) -> str | None:
        value = self.text_or_none(path)
        if value is not None and len(value) > MAX_ID_LENGTH:
            raise self._problem(path, f"is longer than {MAX_ID_LENGTH} characters")
        return value

    def choice(self, path: str, meanings: Mapping[str, str]) -> str:
        """What the text means; a text without a meaning is a problem, never a guess."""
        meaning = meanings.get(self.text(path))
        if meaning is None:
            raise self._problem(path, "is not a known value")
        return meaning

    def reference(self, path: str) -> str:
        return self._present(path, self.reference_or_none(path))

    def reference_or_none(self, path: str) -> str | None:
        """The id of another object, given as that id or as the object itself."""
        return self.id_or_none(f"{path}.id" if isinstance(self._find(path), dict) else path)

    def integer_or_none(self, path: str) -> int | None:
        value = self._find(path)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_INTEGER:
            raise self._problem(path, "is not an integer")
        return value

    def flag(self, path: str) -> bool:
        """A boolean; missing means false."""
        value = self._find(path)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._problem(path, "is not true or false")

    def instant(self, path: str) -> Instant:
        return self._present(path, self.instant_or_none(path))

    def instant_or_none(self, path: str) -> Instant | None:
        value = self._find(path)
        if value is None:
            return None
        try:
            return read_instant(value)
        except BadTimestamp:
            raise self._problem(path, "is not a timestamp") from None

    def us_or_none(self, path: str) -> int | None:
        """An instant in microseconds."""
        instant = self.instant_or_none(path)
        return instant.us if instant else None

    def fields(self, path: str) -> Fields:
        return self._present(path, self.fields_or_none(path))

    def fields_or_none(self, path: str) -> Fields | None:
        value = self._find(path)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._problem(path, "is not an object")
        return Fields(value, self._full(path))

    def expanded_or_none(self, path: str) -> Fields | None:
        """The object, where a reference to it was expanded; None where it is a bare id."""
        return self.fields_or_none(path) if isinstance(self._find(path), dict) else None

    def each(self, path: str) -> list[Fields]:
        """The objects of a list; missing means none."""
        return [self._member(path, n, value) for n, value in enumerate(self._list(path))]

    def texts(self, path: str) -> list[str]:
        """The texts of a list; missing means none."""
        values = self._list(path)
        if not all(isinstance(value, str) and "\0" not in value for value in values):
            raise self._problem(path, "is not a list of texts")
        return values

    def chosen_texts(self, path: str, names: frozenset[str]) -> dict[str, str]:
        """Of an object, the entries that are named and are texts (metadata: the rest is dropped)."""
        found = self.fields_or_none(path)
        if found is None or not names:
            return {}
        chosen = ((name, found.raw().get(name)) for name in sorted(names))
        return {name: value for name, value in chosen if isinstance(value, str) and "\0" not in value}

    def raw(self) -> dict[str, Any]:
        """The object as it came, for hashing."""
        return self._data

    def _find(self, path: str) -> Any:
        value: Any = self._data
        for name in path.split("."):
            if not isinstance(value, dict):
                raise self._problem(path, "is not inside an object")
            value = value.get(name)
            if value is None:
                return None
        return value

    def _list(self, path: str) -> list[Any]:
        value = self._find(path)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._problem(path, "is not a list")
        return value

    def _member(self, path: str, number: int, value: object) -> Fields:
        if not isinstance(value, dict):
            raise self._problem(f"{path}[{number}]", "is not an object")
        return Fields(value, self._full(f"{path}[{number}]"))

    def _present(self, path: str, value: _T | None) -> _T:
        if value is None:
            raise self._problem(path, "is missing")
        return value

    def _full(self, path: str) -> str:
        return f"{self._path}.{path}" if self._path else path

    def _problem(self, path: str, what: str) -> Unusable:
        return Unusable(f"{self._full(path)} {what}")
