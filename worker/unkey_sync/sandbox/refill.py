"""The nightly refill at 00:00 UTC: it sets, never adds, and also ends an unlimited key that carries a refill.

Source: upstream's cron as read in its source. A monthly day beyond the month's end means its last day.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unkey_sync.sandbox.rows import Key
    from unkey_sync.sandbox.state import State, Tx

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENOUGH_DAYS = 62  # every key is due at least once in two months, and a second refill changes nothing


def refill(tx: Tx, state: State, after_day: int, until_day: int) -> None:
    """Run the nights after `after_day` up to `until_day` (days since the epoch)."""
    for day in range(max(after_day, until_day - _ENOUGH_DAYS) + 1, until_day + 1):
        date = _EPOCH + timedelta(days=day)
        for key in [key for key in state.keys if is_due(key, date)]:
            tx.put(state.keys, replace(key, remaining=key.refill_amount))


def is_due(key: Key, date: datetime) -> bool:
    if key.refill_amount is None or key.deleted:
        return False
    if key.remaining is not None and key.remaining >= key.refill_amount:
        return False
    last_day = monthrange(date.year, date.month)[1]
    return key.refill_day is None or min(key.refill_day, last_day) == date.day
