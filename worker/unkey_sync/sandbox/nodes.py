"""Unkey's nodes and what each keeps in memory: stale-while-revalidate, with no word between nodes.

Without nodes every look-up goes through, so every change is visible at once. Times as read in upstream's
source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

V = TypeVar("V")
_MINUTE_MS = 60_000
_DAY_MS = 86_400_000


@dataclass(slots=True)
class Cache:
    """Younger than `fresh_ms`: served. Up to `stale_ms`: served once more, then refreshed.

    Misses are kept, too.
    """

    fresh_ms: int
    stale_ms: int
    on: bool
    _entries: dict[Hashable, tuple[int, Any]] = field(default_factory=dict)

    def get(self, key: Hashable, now_ms: int, load: Callable[[], V]) -> V:
        if not self.on:
            return load()
        entry = self._entries.get(key)
        age = now_ms - entry[0] if entry else self.stale_ms
        if entry is not None and age < self.fresh_ms:
            kept: V = entry[1]
            return kept
        loaded = load()
        self._entries[key] = (now_ms, loaded)
        return entry[1] if entry is not None and age < self.stale_ms else loaded

    def drop(self, key: Hashable) -> None:
        self._entries.pop(key, None)


class Node:
    def __init__(self, *, caching: bool) -> None:
        self.keys = Cache(10_000, 10 * _MINUTE_MS, caching)
        self.apis = Cache(10_000, _DAY_MS, caching)
        self.workspaces = Cache(_MINUTE_MS, _DAY_MS, caching)
        self.namespaces = Cache(_MINUTE_MS, _DAY_MS, caching)
        self.credits_apart = caching
        """Balances live in a counter of their own (upstream: Redis) beside the database."""


class Nodes:
    """`count` 0: one node that remembers nothing."""

    def __init__(self) -> None:
        self.count = 0
        self._nodes = [Node(caching=False)]
        self._turn = 0

    def configure(self, count: int) -> None:
        self.count = count
        self._nodes = [Node(caching=bool(count)) for _ in range(count or 1)]
        self._turn = 0

    def pick(self, wanted: str | None) -> Node:
        """The node named by the caller (a number), else the next in turn."""
        if not self.count:
            return self._nodes[0]
        if wanted is not None and wanted.isdecimal():
            return self._nodes[int(wanted) % self.count]
        self._turn += 1
        return self._nodes[(self._turn - 1) % self.count]
