"""The scheduler hears when a source goes quiet, by what its senders delivered and by nothing that we read ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.intake import Intake
from unkey_sync.silence import ARRIVALS, Silence, compute_silence

from tests import makers
from tests.contract.feeds.given import Site, end_of

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

MINUTE_US = 60_000_000


def silence_of(site: Site) -> Silence | None:
    with site.ledger.transaction() as tx:
        return compute_silence(tx.reports.recent_arrivals(site.kind, ARRIVALS), site.clock.now())


def test_a_source_that_sent_every_minute_is_silent_after_a_quarter_of_an_hour(ledger: Ledger) -> None:
    site = Site(ledger, "clerk", 20)
    for _ in range(60):
        site.clock.advance(60)  # type: ignore[attr-defined]
        site.inbox.accept([Intake("clerk", (makers.user(),), b"{}")])

    site.clock.advance(900)  # type: ignore[attr-defined]
    before = silence_of(site)
    site.clock.advance(60)  # type: ignore[attr-defined]
    end_of(site.feeder().backfill("clerk", site.access))

    assert before is None
    silence = silence_of(site)
    assert silence is not None
    assert (silence.lasts // MINUTE_US, silence.usual // MINUTE_US) == (16, 1)
