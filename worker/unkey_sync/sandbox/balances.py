"""Credits as verifyKey sees them: a counter beside the database that lives 60 s, only while nodes are on.

Updates of credits drop the counter; the nightly refill does not, so its effect shows within a minute.
"""

from __future__ import annotations

_TTL_MS = 60_000


class Balances:
    def __init__(self) -> None:
        self._live: dict[str, tuple[int, int]] = {}

    def read(self, key_id: str, stored: int, now_ms: int) -> int:
        """The live balance; `stored` starts a new counter."""
        balance, until = self._live.get(key_id, (stored, 0))
        if until > now_ms:
            return balance
        self._live[key_id] = (stored, now_ms + _TTL_MS)
        return stored

    def spend(self, key_id: str, cost: int) -> None:
        balance, until = self._live[key_id]
        self._live[key_id] = (balance - cost, until)

    def drop(self, key_id: str) -> None:
        self._live.pop(key_id, None)
