"""The read replica. Without lag it *is* the primary; with lag it is a twin that learns of commits later."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.sandbox.state import Change, State


class Replica:
    def __init__(self, primary: State) -> None:
        self._primary = primary
        self._twin: State | None = None
        self._pending: deque[tuple[int, Sequence[Change]]] = deque()
        self.lag_ms = 0

    def configure(self, lag_ms: int) -> None:
        """Switch the lag on, off (0) or to another length. What is under way keeps its own due time."""
        self.lag_ms = lag_ms
        if lag_ms and self._twin is None:
            self._twin = self._primary.copy()
        if not lag_ms:
            self._twin = None
            self._pending.clear()

    def feed(self, changes: Sequence[Change], now_ms: int) -> None:
        if self._twin is not None and changes:
            self._pending.append((now_ms + self.lag_ms, changes))

    def state(self, now_ms: int) -> State:
        """What a read from the replica sees now."""
        if self._twin is None:
            return self._primary
        while self._pending and self._pending[0][0] <= now_ms:
            for change in self._pending.popleft()[1]:
                self._twin.apply(change)
        return self._twin
