"""One sandbox: its state, its time, its modes and its memory of calls. Everything else works on this."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from unkey_sync.sandbox.balances import Balances
from unkey_sync.sandbox.clock import DAY_MS, VirtualClock
from unkey_sync.sandbox.faults import Faults, Modes
from unkey_sync.sandbox.history import History
from unkey_sync.sandbox.lag import Replica
from unkey_sync.sandbox.nodes import Nodes
from unkey_sync.sandbox.refill import refill
from unkey_sync.sandbox.rows import Api
from unkey_sync.sandbox.state import Change, State, Tx
from unkey_sync.sandbox.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.sandbox.rows import Row


class Store(Protocol):
    """Where committed changes survive a restart."""

    def write(self, changes: Sequence[Change]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a sandbox starts with, and what a reset brings back."""

    seeded: Sequence[Change]
    modes: Modes


class World:
    def __init__(self, clock: VirtualClock, state: State, store: Store | None, beginning: Beginning) -> None:
        self.clock = clock
        self.store = store
        self.state = state
        self._beginning = beginning
        self.replica = Replica(state)
        self.nodes = Nodes()
        self.windows = Windows()
        self.balances = Balances()
        self.faults = Faults()
        self.history = History()
        self._refilled_day = clock.now_ms() // DAY_MS

    def plant(self) -> None:
        """Bring the seeded rows and the modes to what the seed says; other rows stay."""
        tx = Tx(self.state)
        for change in self._beginning.seeded:
            table = self.state.table(change.table)
            tx.put(table, _kept(change.after, table.get(change.row_id)))
        self.commit(tx)
        self.misbehave(self._beginning.modes)

    def misbehave(self, modes: Modes) -> None:
        """These modes and no others."""
        self.faults.restart(modes)
        self.replica.configure(int(modes.replica_lag_s * 1000))
        self.nodes.configure(modes.nodes)

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
        self.windows = Windows()
        self.balances = Balances()
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


def _kept(seeded: Row | None, present: Row | None) -> Any:
    """The seeded row; an API that was deleted before a restart stays deleted."""
    if isinstance(seeded, Api) and isinstance(present, Api):
        return replace(seeded, deleted=present.deleted)
    return seeded
