"""The thread of the standing check in a worker: often a look at our own rows, slowly a question to Unkey."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from unkey_sync.clock import SECOND
from unkey_sync.outlive import Outlive, uncounted
from unkey_sync.watch.ledger_look import look
from unkey_sync.watch.state import load_state, swap_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock
    from unkey_sync.ledger.breach_rows import ClosedSubject
    from unkey_sync.ledger.store import Ledger, Tx
    from unkey_sync.watch.asking import Asking
    from unkey_sync.watch.state import WatchState

ASK_EVERY_S = 5.0
"""One subject, one listing: a dozen calls a minute for the whole deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPace:
    """`look_every_s`: between two looks of anybody. `settle_s`: how long Unkey may show what was before a repair."""

    look_every_s: float
    settle_s: float
    ask_every_s: float = ASK_EVERY_S


class Watch:
    """`asking` None: without an API id there is nothing to list. `count` is told of defects."""

    def __init__(
        self,
        ledger: Ledger,
        asking: Asking | None,
        clock: Clock,
        pace: WatchPace,
        count: Callable[[], None] = uncounted,
    ) -> None:
        self._ledger = ledger
        self._asking = asking
        self._clock = clock
        self._pace = pace
        self.stop = threading.Event()
        self._outlive = Outlive(
            log=structlog.stdlib.get_logger("unkey_sync.watch"),
            passing="watch_failed",
            defect="watch_defect",
            count=count,
        )

    def run(self) -> None:
        while not self.stop.is_set():
            self._outlive(self.run_once, otherwise=None)
            self._clock.wait(self.stop, self._pace.look_every_s)

    def run_once(self) -> None:
        """A look and a question if it is time for them and nobody else was faster."""
        with self._ledger.transaction() as tx:
            chosen = self._look(tx)
        if chosen is not None and self._asking is not None:
            self._outlive(partial(self._asking.ask, chosen), otherwise=None)

    def _look(self, tx: Tx) -> ClosedSubject | None:
        before, now = load_state(tx), self._clock.now()
        if not _is_time(before.looked_at, self._pace.look_every_s, now):
            return None
        # First the row that everybody swaps: whoever waits for it finds it changed, and nothing is done twice.
        taken = replace(before, looked_at=now)
        if not swap_state(tx, before, taken):
            return None
        after = look(tx, taken, now)
        chosen = None
        if self._asking is not None and _is_time(before.asked_at, self._pace.ask_every_s, now):
            chosen, after = self._choose(tx, after, now)
        swap_state(tx, taken, after)
        return chosen

    def _choose(self, tx: Tx, state: WatchState, now: int) -> tuple[ClosedSubject | None, WatchState]:
        """By turns one that was found guilty, to see whether it was repaired, and the next in line."""
        settled = now - int(self._pace.settle_s * SECOND)
        again = tx.breaches.to_ask_again(settled, now) if state.asks_again else None
        chosen = again or tx.breaches.next_closed(state.asked_after, now) or tx.breaches.next_closed("", now)
        after = state.asked_after if again else chosen.subject if chosen else ""
        return chosen, replace(state, asked_at=now, asked_after=after, asks_again=not state.asks_again)


def _is_time(last: int | None, every_s: float, now: int) -> bool:
    """Half a tenth early counts: two timers never agree exactly. A clock that was set back delays nothing."""
    return last is None or not 0 <= now - last < int(every_s * 0.95 * SECOND)
