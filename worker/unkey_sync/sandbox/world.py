"""One sandbox: its state, its time, its modes and its memory of calls. Everything else works on this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from unkey_sync.sandbox.balances import Balances
from unkey_sync.sandbox.clock import DAY_MS, VirtualClock
from unkey_sync.sandbox.faults import Faults
from unkey_sync.sandbox.history import History
from unkey_sync.sandbox.lag import Replica
from unkey_sync.sandbox.nodes import Nodes
from unkey_sync.sandbox.refill import refill
from unkey_sync.sandbox.state import Change, State, Tx
from unkey_sync.sandbox.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Sequence


class Store(Protocol):
    """Where committed changes survive a restart."""

    def write(self, changes: Sequence[Change]) -> None: ...

    def close(self) -> None: ...


class World:
    """`seeded`: the rows that are there after a reset."""

    def __init__(
        self, clock: VirtualClock, state: State, store: Store | None, seeded: Sequence[Change]
    ) -> None:
        self.clock = clock
        self.store = store
        self.state = state
        self._seeded = seeded
        self.replica = Replica(state)
        self.nodes = Nodes()
        self.windows = Windows()
        self.balances = Balances()
        self.faults = Faults()
        self.history = History()
        self._refilled_day = clock.now_ms() // DAY_MS

    def plant(self) -> None:
        """Bring the seeded rows to what the seed says; everything else stays."""
        tx = Tx(self.state)
        for change in self._seeded:
            if change.after is not None:
                tx.put(self.state.table(change.table), change.after)
        self.commit(tx)

    def reset(self) -> None:
        """Back to the seed: no objects, no history, no faults, the machine's time."""
        tx = Tx(self.state)
        for table in self.state.tables():
            for row in list(table):
                tx.delete(table, row.id)
        self.commit(tx)
        self._forget()
        self.plant()

    def _forget(self) -> None:
        self.clock.reset()
        self._refilled_day = self.clock.now_ms() // DAY_MS
        self.replica.configure(0)
        self.nodes.configure(0)
        self.windows = Windows()
        self.balances = Balances()
        self.faults.clear()
        self.history.clear()

    def commit(self, tx: Tx) -> bool:
        """Make a transaction's changes known to the replica and the store; True if there were any."""
        changes = tx.take()
        if changes:
            self.replica.feed(changes, self.clock.now_ms())
            if self.store is not None:
                self.store.write(changes)
        return bool(changes)

    def catch_up(self) -> int:
        """Do what the clock has made due (the nightly refill); the present, in milliseconds."""
        now = self.clock.now_ms()
        if now // DAY_MS > self._refilled_day:
            tx = Tx(self.state)
            refill(tx, self.state, self._refilled_day, now // DAY_MS)
            self._refilled_day = now // DAY_MS
            self.commit(tx)
        return now
