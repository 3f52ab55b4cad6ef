"""Where the standing check is; one row that all workers share, so that each look is taken by one of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Tx

_NAME = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """Instants in microseconds; names are the last ones that were looked at, "" at the beginning of a round."""

    looked_at: int | None = None
    asked_at: int | None = None
    closed_after: str = ""
    keys_after: str = ""
    asked_after: str = ""
    asks_again: bool = False
    """Whose turn it is: those found guilty before, or the next in line."""


def load_state(tx: Tx) -> WatchState:
    return _parse(tx.feeds.setting(_NAME))


def swap_state(tx: Tx, before: WatchState, after: WatchState) -> bool:
    """False when another process was faster."""
    text = None if before == WatchState() else _dump(before)
    return tx.feeds.swap_setting(_NAME, text, _dump(after))


def _parse(text: str | None) -> WatchState:
    return WatchState(**orjson.loads(text)) if text else WatchState()


def _dump(state: WatchState) -> str:
    return orjson.dumps(asdict(state)).decode()
