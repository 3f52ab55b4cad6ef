"""One look at our own rows: a page of closed subjects, a page of enabled keys, and what was found before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync.ledger.breach_rows import LEDGER

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Tx
    from unkey_sync.watch.state import WatchState

PAGE = 5_000
"""Closed subjects, and enabled keys, that one look covers: some fifty milliseconds of the database's time."""
AGAIN = 500
"""Breaches that are looked at again each time."""


def look(tx: Tx, state: WatchState, now: int, page: int = PAGE) -> WatchState:
    """Note what is found and forget what is no longer so; where the next look begins."""
    known = tx.breaches.longest_unseen(LEDGER, AGAIN)
    still = tx.breaches.still(known, now) if known else []
    tx.breaches.forget(sorted(set(known) - {one.key_id for one in still}), LEDGER)
    of_closed, closed_after = tx.breaches.of_closed(state.closed_after, page, now)
    beyond, keys_after = tx.breaches.beyond_slots(state.keys_after, page)
    tx.breaches.note([*still, *beyond, *of_closed], now)
    return replace(state, looked_at=now, closed_after=closed_after, keys_after=keys_after)
