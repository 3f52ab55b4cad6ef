"""Long outages of billing sources: feeds of many pages, throttled and cut short, and what only a listing shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync.clock import SECOND
from unkey_sync_connectors.event import Kind

from tests.contract.feeds.given import Killed, Site, end_of
from tests.contract.feeds.worlds import BEGAN_S, too_many

if TYPE_CHECKING:
    import httpx
    from unkey_sync.ledger.store import Ledger

WITH_A_FEED = ("paddle", "polar", "stripe")
LISTED_ONLY = ("lago", "paddle", "polar")
SUBSCRIPTIONS, CHANGES = 20, 260
LOST_S = BEGAN_S + 3_600


def site_of(ledger: Ledger, kind: str, count: int = SUBSCRIPTIONS) -> Site:
    """A source whose every object is known, before the outage."""
    made = Site(ledger, kind, count)
    end_of(made.feeder().backfill(kind, made.access))
    end_of(made.feeder().catch_up(kind, made.access))
    made.rest()
    return made


@pytest.fixture(params=WITH_A_FEED)
def site(request: pytest.FixtureRequest, ledger: Ledger) -> Site:
    """After an outage in which every subscription changed many times."""
    made = site_of(ledger, request.param)
    for number in range(CHANGES):
        status = "active" if number // SUBSCRIPTIONS % 2 else "past_due"
        made.world.change(number % SUBSCRIPTIONS, status, LOST_S + number)
    made.clock.advance(3 * 3_600)  # type: ignore[attr-defined]
    made.world.calls = 0
    return made


def versions(site: Site) -> list[int]:
    """When each subscription changed last, as far as is known, in seconds; only those that are past due."""
    keys = [(site.kind, "subscription", f"sub_{number:07}") for number in range(SUBSCRIPTIONS)]
    with site.ledger.transaction() as tx:
        found = tx.facts.load(keys, [])
    registers = [found[key].register for key in keys]
    return [one.version // SECOND for one in registers if one.body["status"] == "past_due"]


LAST_CHANGES = sorted(LOST_S + number for number in range(CHANGES - SUBSCRIPTIONS, CHANGES))


def test_a_feed_of_many_pages_is_read_to_its_end_and_each_event_counts_once(site: Site) -> None:
    last = end_of(site.feeder().catch_up(site.kind, site.access))
    again = end_of(site.feeder().catch_up(site.kind, site.access))

    assert (last.done, last.complete, again.news) == (CHANGES, True, 0)
    assert site.world.calls >= 3
    assert sorted(versions(site)) == LAST_CHANGES


def test_a_source_that_asks_for_a_pause_gets_it_and_nothing_is_skipped(site: Site) -> None:
    before = site.clock.now()
    site.world.before = lambda call: too_many(30) if call in (1, 2) else None

    last = end_of(site.feeder().catch_up(site.kind, site.access, patience=5))

    assert last.complete
    assert sorted(versions(site)) == LAST_CHANGES
    assert site.clock.now() - before >= 60 * SECOND


@pytest.mark.parametrize("at_call", [1, 2])
def test_a_kill_in_the_middle_of_a_feed_loses_nothing(site: Site, at_call: int) -> None:
    def die(call: int) -> httpx.Response | None:
        if call == at_call:
            raise Killed
        return None

    site.world.before = die
    with pytest.raises(Killed):
        end_of(site.feeder().catch_up(site.kind, site.access))
    site.world.before = lambda _: None
    last = end_of(site.feeder().catch_up(site.kind, site.access))

    assert last.complete
    assert sorted(versions(site)) == LAST_CHANGES


@pytest.mark.parametrize("kind", LISTED_ONLY)
def test_a_customer_that_went_away_unheard_is_reported_by_listing_everything(
    kind: str, ledger: Ledger
) -> None:
    site = site_of(ledger, kind)
    site.world.numbers.remove(3)
    site.clock.advance(60)  # type: ignore[attr-defined]

    last = end_of(site.feeder().backfill(kind, site.access))

    assert {one.subject for one in last.coverage.missing(ledger)} == {"user_0000003"}


def test_an_upgrade_at_lago_that_nobody_heard_of_ends_with_the_new_plan(ledger: Ledger) -> None:
    site = site_of(ledger, "lago")
    site.world.upgrade(3, "max", LOST_S)
    site.clock.advance(2 * 3_600)  # type: ignore[attr-defined]

    end_of(site.feeder().catch_up("lago", site.access))

    keys = [("lago", "subscription", name) for name in ("sub_0000003", "sub_0000003_new")]
    with site.ledger.transaction() as tx:
        old, new = (tx.facts.load(keys, [])[key].register for key in keys)
    assert (old.body["status"], new.body["status"]) == ("ended", "active")
    assert new.body["items"][0]["lookup_key"] == "max"
    assert site.due() == {"user_0000003"}


@pytest.mark.parametrize("kind", LISTED_ONLY)
def test_a_listing_that_moves_while_it_is_read_misses_no_customer(kind: str, ledger: Ledger) -> None:
    """One goes on the first page while the second is asked for, so that all later ones move up by one."""
    site = Site(ledger, kind, 450)

    def lose_one(call: int) -> None:
        if call == 2:
            site.world.numbers.remove(3)

    site.world.before = lose_one
    last = end_of(site.feeder().backfill(kind, site.access))

    assert last.complete
    assert len(site.known(Kind.CUSTOMER)) == 450
    assert len(site.known(Kind.SUBSCRIPTION)) == 449
