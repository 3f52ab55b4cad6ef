"""Whether sources that used to send have gone quiet: an endpoint that is switched off tells nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.clock import SECOND
from unkey_sync.doctor.database import is_new_file
from unkey_sync.doctor.report import Finding, Level, fine
from unkey_sync.errors import ConfigError, Retry, Stop
from unkey_sync.ledger import revision
from unkey_sync.ledger.store import Ledger
from unkey_sync.reports import silence_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.doctor.report import Patient
    from unkey_sync.silence import Silence


def check_arrivals(patient: Patient) -> Iterator[Finding]:
    """What is wrong with the ledger itself is another check's business."""
    url = patient.loaded.settings.database_url.get_secret_value()
    found = {} if is_new_file(url) else _silences(patient, url)
    for name, silence in found.items():
        yield Finding(
            Level.WARNING,
            f"{name}: nothing has come for {silence.lasts // SECOND} s; usually {silence.usual // SECOND} s pass",
            "see at the vendor whether the endpoint is switched on and what its deliveries are answered; "
            f"`unkey-sync catch-up {name}` brings what was missed, where the source has an API",
        )
    if not found:
        yield from fine("no source has gone quiet")


def _silences(patient: Patient, url: str) -> dict[str, Silence]:
    ledger = Ledger(url)
    try:
        revision.require_head(ledger.engine)
        with ledger.transaction() as tx:
            now = patient.clock.now()
            asked = {name: silence_of(tx, name, now) for name in sorted(patient.loaded.settings.sources)}
    except (Retry, ConfigError, Stop):
        return {}
    finally:
        ledger.close()
    return {name: silence for name, silence in asked.items() if silence is not None}
