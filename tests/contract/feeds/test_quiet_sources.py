"""The scheduler hears when a source goes quiet, by what its senders delivered and by nothing that we read ourselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync.intake import Intake
from unkey_sync.reports import silence_of
from unkey_sync_connectors.event import EventOp

from tests import makers
from tests.contract.feeds.given import Site, end_of

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.silence import Silence

MINUTE_US = 60_000_000


def heard(site: Site) -> Silence | None:
    with site.ledger.transaction() as tx:
        return silence_of(tx, site.kind, site.clock.now())


def test_a_source_that_sent_every_minute_is_silent_after_a_quarter_of_an_hour(ledger: Ledger) -> None:
    site = Site(ledger, "clerk", 20)
    for _ in range(60):
        site.clock.advance(60)  # type: ignore[attr-defined]
        site.inbox.accept([Intake("clerk", (makers.user(),), b"{}")])

    site.clock.advance(900)  # type: ignore[attr-defined]
    before = heard(site)
    site.clock.advance(60)  # type: ignore[attr-defined]
    end_of(site.feeder().backfill("clerk", site.access))

    assert before is None
    silence = heard(site)
    assert silence is not None
    assert (silence.lasts // MINUTE_US, silence.usual // MINUTE_US) == (16, 1)


def test_what_catching_up_brings_does_not_hide_that_the_webhook_is_dead(ledger: Ledger) -> None:
    """Events of a feed have the names that their webhooks would have had; nobody sent them, though."""
    site = Site(ledger, "stripe", 20)
    for number in range(30):
        site.clock.advance(60)  # type: ignore[attr-defined]
        at = site.clock.now()
        told = replace(makers.user(), source="stripe", delivery_id=f"evt_live_{number}", version=at)
        site.inbox.accept([Intake("stripe", (told,), b"{}")])

    for number in range(20):
        site.clock.advance(60)  # type: ignore[attr-defined]
        site.world.change(number, "past_due", site.clock.now() // 1_000_000)
        end_of(site.feeder().catch_up("stripe", site.access))

    silence = heard(site)
    assert silence is not None
    assert silence.lasts // MINUTE_US == 20


def test_events_of_no_interest_are_a_sign_of_life(ledger: Ledger) -> None:
    site = Site(ledger, "clerk", 20)
    for number in range(40):
        site.clock.advance(60)  # type: ignore[attr-defined]
        noise = replace(makers.user(), op=EventOp.IGNORE, entity=None, delivery_id=f"msg_{number}")
        site.inbox.accept([Intake("clerk", (noise,), b"{}")])

    site.clock.advance(600)  # type: ignore[attr-defined]
    before = heard(site)
    site.clock.advance(600)  # type: ignore[attr-defined]

    assert before is None
    assert heard(site) is not None
