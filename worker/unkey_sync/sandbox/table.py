"""One table: rows by id, unique indexes, and groups of ids in database order. Knows nothing about Unkey."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from unkey_sync.sandbox.collation import OrderKey, order_key
from unkey_sync.sandbox.rows import Row

R = TypeVar("R", bound=Row)
Extract = Callable[[R], Hashable | None]
_Entry = tuple[OrderKey, str]


class Duplicate(Exception):  # noqa: N818
    """A row would break a unique index, as MySQL's duplicate-key error. The argument names the index."""


@dataclass
class Table(Generic[R]):
    """`unique` and `groups` map an index name to what a row contributes;
    None keeps the row out of the index.
    """

    name: str
    row_type: type[R]
    unique: Mapping[str, Extract[R]] = field(default_factory=dict)
    groups: Mapping[str, Extract[R]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rows: dict[str, R] = {}
        self._unique: dict[str, dict[Hashable, str]] = {name: {} for name in self.unique}
        self._groups: dict[str, dict[Hashable, list[_Entry]]] = {name: {} for name in self.groups}

    def get(self, row_id: str | None) -> R | None:
        return self._rows.get(row_id) if row_id is not None else None

    def find(self, index: str, key: Hashable) -> R | None:
        return self.get(self._unique[index].get(key))

    def members(self, group: str, key: Hashable, start: str = "") -> Iterator[R]:
        """Rows of a group in database order, beginning with `start` (inclusive)."""
        entries = self._groups[group].get(key, [])
        first = bisect_left(entries, (order_key(start), start)) if start else 0
        return (self._rows[row_id] for _, row_id in entries[first:])

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, row: R) -> R | None:
        """Insert or replace; the row that was there before, if any.

        Raises `Duplicate` and changes nothing.
        """
        for name, extract in self.unique.items():
            key = extract(row)
            if key is not None and self._unique[name].get(key, row.id) != row.id:
                raise Duplicate(f"{self.name}.{name}")
        before = self.remove(row.id)
        self._rows[row.id] = row
        self._index(row)
        return before

    def remove(self, row_id: str) -> R | None:
        row = self._rows.pop(row_id, None)
        if row is not None:
            self._unindex(row)
        return row

    def _index(self, row: R) -> None:
        for name, extract in self.unique.items():
            key = extract(row)
            if key is not None:
                self._unique[name][key] = row.id
        for name, extract in self.groups.items():
            key = extract(row)
            if key is not None:
                insort(self._groups[name].setdefault(key, []), (order_key(row.id), row.id))

    def _unindex(self, row: R) -> None:
        for name, extract in self.unique.items():
            self._unique[name].pop(extract(row), None)
        for name, extract in self.groups.items():
            key = extract(row)
            if key is not None:
                entries = self._groups[name][key]
                del entries[bisect_left(entries, (order_key(row.id), row.id))]
                if not entries:
                    del self._groups[name][key]
