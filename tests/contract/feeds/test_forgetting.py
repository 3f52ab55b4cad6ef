"""A feed that forgets says so when it is asked for more than it keeps, and cries no wolf while a source is quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync.clock import DAY, SECOND
from unkey_sync_connectors import registry
from unkey_sync_connectors.base import SourceConfig

from tests.contract.feeds.given import Site, end_of
from tests.contract.feeds.worlds import BEGAN_S

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

KEPT_DAYS = {"workos": 30, "stripe": 30, "okta": 90, "polar": 90}
FORGETFUL = sorted(KEPT_DAYS)
DAY_S = 86_400


def gap_of(site: Site, since: int | None = None) -> str:
    return end_of(site.feeder().catch_up(site.kind, site.access, since=since)).gap


def pause(site: Site, days: float) -> None:
    site.clock.advance(days * DAY_S)  # type: ignore[attr-defined]


@pytest.fixture(params=FORGETFUL)
def site(request: pytest.FixtureRequest, ledger: Ledger) -> Site:
    return Site(ledger, request.param, 3)


@pytest.mark.parametrize("kind", FORGETFUL)
def test_a_connector_says_for_how_long_its_feed_keeps_events(kind: str) -> None:
    assert registry.create(SourceConfig(name=kind, kind=kind)).feed_keeps == KEPT_DAYS[kind] * DAY


def test_an_outage_longer_than_the_feeds_memory_is_told_once(site: Site) -> None:
    first = gap_of(site)
    pause(site, KEPT_DAYS[site.kind] + 1)

    told, after = gap_of(site), gap_of(site)

    assert (first, after) == ("", "")
    assert told.startswith(
        f"{site.kind} tells of its last {KEPT_DAYS[site.kind]} days, not of all since 2026-"
    )


def test_an_outage_within_the_feeds_memory_is_no_gap(site: Site) -> None:
    gap_of(site)
    pause(site, KEPT_DAYS[site.kind] - 1)

    assert gap_of(site) == ""


def test_a_quiet_source_whose_feed_is_read_all_the_time_has_no_gap(site: Site) -> None:
    for _ in range(5):
        pause(site, KEPT_DAYS[site.kind] / 3)
        assert gap_of(site) == ""


@pytest.mark.parametrize(("days", "gap"), [(29.9, False), (30, False), (30.1, True)])
def test_looking_back_further_than_the_feed_remembers_is_a_gap(
    ledger: Ledger, days: float, gap: bool
) -> None:
    site = Site(ledger, "workos", 3)

    assert bool(gap_of(site, site.clock.now() - int(days * DAY))) is gap


def test_a_run_that_is_killed_and_resumed_still_tells_of_its_gap(ledger: Ledger) -> None:
    site = Site(ledger, "workos", 3)
    gap_of(site)
    pause(site, 31)
    for number in range(150):
        site.world.block("user_0000001", site.clock.now() // SECOND - 1_000 + number)
    first = next(site.feeder().catch_up(site.kind, site.access))

    assert not first.complete
    assert "not of all since" in gap_of(site)


def test_a_feed_whose_memory_is_not_known_says_nothing(ledger: Ledger) -> None:
    site = Site(ledger, "keycloak", 3)
    gap_of(site)
    pause(site, 400)

    assert gap_of(site) == ""
    assert site.clock.now() > (BEGAN_S + 399 * DAY_S) * SECOND
