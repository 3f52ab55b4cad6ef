"""Ask Unkey itself: has a closed subject a key that is enabled? One that has is repaired by the ordinary path.

Nothing is changed here but our own rows: what was verified of the subject is forgotten, and it is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from unkey_sync.externalid import encode
from unkey_sync.ledger.breach_rows import UNKEY, Breach
from unkey_sync.unkey.budget import Priority

if TYPE_CHECKING:
    from unkey_sync.clock import Clock
    from unkey_sync.ledger.breach_rows import ClosedSubject
    from unkey_sync.ledger.store import Ledger, Tx
    from unkey_sync.unkey.client import UnkeyClient

_MILLISECOND = 1_000


class Asking:
    """Reads with the lowest claim on Unkey's rate limit."""

    def __init__(self, ledger: Ledger, client: UnkeyClient, clock: Clock) -> None:
        self._ledger = ledger
        self._unkey = client.at(Priority.BACKFILL)
        self._clock = clock
        self._log = structlog.stdlib.get_logger("unkey_sync.watch")

    def ask(self, closed: ClosedSubject) -> None:
        """Raises what the client raises; then nothing is known."""
        external_id = closed.external_id or encode(closed.subject)
        now = self._clock.now()
        found = [
            Breach(key_id=key.key_id, seen_in=UNKEY, subject=closed.subject, cause=closed.access)
            for key in self._unkey.apis.list_keys(external_id=external_id)
            if key.enabled and (not key.expires or key.expires * _MILLISECOND > now)
        ]
        with self._ledger.transaction() as tx:
            known = set(tx.breaches.of_subject(closed.subject, UNKEY))
            if not _is_as_before(tx, closed):
                return
            tx.breaches.forget(sorted(known - {one.key_id for one in found}), UNKEY)
            tx.breaches.note(found, now)
            if found and tx.subjects.reopen(closed.subject, closed.fence, closed.generation):
                tx.identities.unprove(closed.subject)
        for one in found:
            if one.key_id not in known:
                self._log.error("closed_subject_has_enabled_key", subject=one.subject, key_id=one.key_id)


def _is_as_before(tx: Tx, closed: ClosedSubject) -> bool:
    """What was listed says nothing about a subject that somebody has worked on, or heard of, meanwhile."""
    row = tx.subjects.get(closed.subject)
    return row is not None and (row["fence"], row["generation"]) == (closed.fence, closed.generation)
