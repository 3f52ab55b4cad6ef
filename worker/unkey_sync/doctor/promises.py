"""Whether the promises hold: what the workers' standing check has found. Asks the ledger only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.clock import SECOND
from unkey_sync.doctor.database import is_new_file
from unkey_sync.doctor.report import Finding, Level, fine
from unkey_sync.errors import ConfigError, SyncError
from unkey_sync.ledger import revision
from unkey_sync.ledger.store import Ledger
from unkey_sync.watch.state import load_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.doctor.report import Patient

STALE_S = 900.0
"""A look is taken every few seconds; after so long nobody looks any more."""


def check_promises(patient: Patient) -> Iterator[Finding]:
    """No enabled key without a live, entitled subject. A ledger that cannot be read is the database check's finding."""
    settings = patient.loaded.settings
    url = settings.database_url.get_secret_value()
    if is_new_file(url):
        yield from fine("nothing to look at yet")
        return
    try:
        ledger = Ledger(url, pool_size=1)
    except ConfigError:
        return
    try:
        yield from _check(ledger, patient, int(settings.timings.in_flight_s * SECOND))
    except SyncError:
        return
    finally:
        ledger.close()


def _check(ledger: Ledger, patient: Patient, in_flight_us: int) -> Iterator[Finding]:
    if revision.current(ledger.engine) != revision.HEAD:
        return
    now = patient.clock.now()
    with ledger.transaction() as tx:
        counts = tx.breaches.counts(now - in_flight_us)
        looked_at = load_state(tx).looked_at
    found = [f"{count} {cause}" for cause, count in counts.items() if count]
    if found:
        yield Finding(
            Level.ERROR,
            f"enabled keys that nobody may use: {', '.join(found)}",
            "`unkey-sync status` names them; see UnkeySyncBreach in docs/operations.md",
        )
    elif looked_at is None:
        yield from fine("no worker has looked yet")
    elif now - looked_at > STALE_S * SECOND:
        minutes = (now - looked_at) // (60 * SECOND)
        yield Finding(Level.WARNING, f"nobody has looked for {minutes} minutes", "start a worker")
    else:
        yield from fine("no enabled key without an entitled subject")
