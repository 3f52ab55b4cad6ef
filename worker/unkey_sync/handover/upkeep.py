"""What time does to keys: those nobody took are replaced or revoked, old ones are rotated, as the policy says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from unkey_sync.handover.slots import to_revoked, to_rotated, turn
from unkey_sync.ledger.key_rows import EXPIRED
from unkey_sync.model import AT_ONCE, Observed, Slot, rotation_of

if TYPE_CHECKING:
    from unkey_sync.clock import Clock
    from unkey_sync.ledger.key_rows import HandoverRow
    from unkey_sync.ledger.store import Ledger, Tx
    from unkey_sync.model import Rotation
    from unkey_sync.policy import KeySlot, Policy

BATCH = 200
"""Slots turned at one time: a new rule for everybody becomes a stream, not a flood."""


class Upkeep:
    """Repeatable at any time, by any number of processes."""

    def __init__(self, ledger: Ledger, policy: Policy, clock: Clock) -> None:
        self._ledger = ledger
        self._policy = policy
        self._clock = clock
        self._log = structlog.stdlib.get_logger("unkey_sync.handover")

    def run_once(self) -> int:
        """How many hand-overs expired or slots were turned. Raises Retry when the database is away."""
        expired = self._expire()
        aged = sum(self._rotate_aged(slot) for slot in self._policy.keys)
        if expired or aged:
            self._log.info("keys_kept", expired=expired, rotated_by_age=aged)
        return expired + aged

    def _expire(self) -> int:
        rule = self._policy.handover
        now = self._clock.now()
        made_until = now - rule.expires
        with self._ledger.transaction() as tx:
            count = tx.keys.drop_pointless(made_until, now) + tx.keys.drop_notices(made_until, now)
            waiting = [] if rule.unfetched == "keep" else tx.keys.unfetched(made_until, BATCH)
            return count + sum(self._expire_one(tx, row, now) for row in waiting)

    def _expire_one(self, tx: Tx, row: HandoverRow, now: int) -> bool:
        if not tx.keys.finish_handover(row.id, EXPIRED, now):
            return False
        turn(tx, row.subject, Slot(row.slot, row.member), partial(self._replace, row.key_id), now)
        return True

    def _replace(self, key_id: str, observed: Observed, slot: Slot) -> Rotation | None:
        """Only for the slot's newest key: an older one has been replaced already."""
        generation = rotation_of(observed.rotations, slot).generation
        if not any(key.key_id == key_id and key.generation == generation for key in observed.keys or ()):
            return None
        if self._policy.handover.unfetched == "revoke":
            return to_revoked(observed, slot)
        return to_rotated(observed, slot, AT_ONCE)

    def _rotate_aged(self, rule: KeySlot) -> int:
        if rule.rotate_every is None:
            return 0
        now = self._clock.now()
        decide = partial(to_rotated, overlap_until=now + rule.overlap)
        with self._ledger.transaction() as tx:
            found = tx.keys.aged(rule.slot, now - rule.rotate_every, BATCH)
            return sum(turn(tx, subject, slot, decide, now) for subject, slot in found)
