"""Sends new keys to the customer's app, from rows: due, attempts and outcome survive everything.

At least once: a sender that dies between the answer and its note sends the same message, with the same id, again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from unkey_sync.clock import SECOND
from unkey_sync.errors import SyncError
from unkey_sync.handover.message import NewKey, to_message
from unkey_sync.ledger.key_rows import DELIVERED, NOTICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock
    from unkey_sync.handover.message import Message
    from unkey_sync.ledger.key_rows import HandoverRow
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.model import Observed, ObservedKey
    from unkey_sync.seal import Sealer

BATCH = 8
LEASE_S = 120.0
"""Longer than a whole batch of time-outs: until then nobody else sends the same."""
_BASE_S = 5.0
_CAP_S = 3600.0


@dataclass(frozen=True, slots=True)
class Line:
    """The way to the customer's app. `post` raises Retry or Refused when the message did not get through."""

    post: Callable[[Message], None]
    secrets: tuple[bytes, ...] = field(repr=False)


def backoff_s(attempts: int, jitter: float) -> float:
    """Seconds until the next attempt after `attempts` of them: 5 s, doubled up to an hour. `jitter` in [0, 1)."""
    return min(_CAP_S, _BASE_S * 2.0 ** min(attempts - 1, 20)) * (0.5 + jitter / 2)


class Sender:
    """`jitter` yields numbers in [0, 1)."""

    def __init__(
        self, ledger: Ledger, sealer: Sealer, clock: Clock, line: Line, jitter: Callable[[], float]
    ) -> None:
        self._ledger = ledger
        self._sealer = sealer
        self._clock = clock
        self._line = line
        self._jitter = jitter
        self._log = structlog.stdlib.get_logger("unkey_sync.handover")

    def run_once(self) -> int:
        """Send what is due, a small batch at most; how many were tried. Raises Retry when the database is away."""
        now = self._clock.now()
        with self._ledger.transaction() as tx:
            rows = tx.keys.claim_messages(now, now + int(LEASE_S * SECOND), BATCH)
        for row in rows:
            self._send(row)
        return len(rows)

    def _send(self, row: HandoverRow) -> None:
        try:
            new = self._open(row)
            if new is not None:
                self._line.post(to_message(new, self._line.secrets, self._clock.now()))
        except SyncError as error:
            self._delay(row, error)
        else:
            self._note(row, sent=new is not None)

    def _open(self, row: HandoverRow) -> NewKey | None:
        """None when the key is gone: the clean-up drops the row in its time. Raises Park."""
        with self._ledger.transaction() as tx:
            identity = tx.identities.load([row.subject]).get(row.subject)
        keys = identity.observed.keys if identity else None
        key = next((one for one in keys or () if one.key_id == row.key_id), None)
        if identity is None or key is None:
            return None
        return NewKey(
            handover_id=row.id,
            subject=row.subject,
            external_id=identity.external_id,
            slot=row.slot,
            member=row.member,
            key_id=row.key_id,
            generation=key.generation,
            key=None if row.mode == NOTICE else self._sealer.open(row.sealed or b"", row.id).decode(),
            previous_ends_at=_previous_ends_at(identity.observed, key),
        )

    def _note(self, row: HandoverRow, *, sent: bool) -> None:
        if not sent:
            return
        with self._ledger.transaction() as tx:
            tx.keys.finish_handover(row.id, DELIVERED, self._clock.now())
        self._log.info("handover_delivered", handover=row.id, subject=row.subject, attempts=row.attempts)

    def _delay(self, row: HandoverRow, error: SyncError) -> None:
        wait_s = backoff_s(row.attempts, self._jitter())
        with self._ledger.transaction() as tx:
            tx.keys.delay_handover(row.id, self._clock.now() + int(wait_s * SECOND))
        self._log.warning(
            "handover_failed",
            handover=row.id,
            subject=row.subject,
            attempts=row.attempts,
            error_code=error.code,
            error=str(error),
        )


def _previous_ends_at(observed: Observed, key: ObservedKey) -> int | None:
    """Until when the slot's earlier key may still be used; None when there is none."""
    ends = [
        one.expires_at
        for one in observed.keys or ()
        if one.slot == key.slot and one.generation < key.generation and one.expires_at is not None
    ]
    return max(ends, default=None)
