"""Feeds of events: no gap and no second effect, wherever a run dies and by whichever way an event came first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from unkey_sync.clock import SECOND, SystemClock
from unkey_sync.inbox import Inbox
from unkey_sync.intake import Intake
from unkey_sync.ledger.tables import events
from unkey_sync_connectors.auth0.streaming import EXPIRED
from unkey_sync_connectors.base import Delivery
from unkey_sync_connectors.event import Kind

from tests.contract.feeds.given import Killed, Site, end_of
from tests.contract.feeds.worlds import BEGAN_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.ledger.store import Ledger, Tx
    from unkey_sync_connectors.base import Page

LATE_S = {"workos": 60, "auth0": 300, "okta": 3_600, "keycloak": 86_400}
"""How much later than it happened an event may become visible and still be found."""
LOGGED = sorted(LATE_S)
COUNT = 250
HOUR_S = 3_600
SOMEBODY = "user_0000003"


class DyingInbox(Inbox):
    """Dies with the n-th page in hand: stored, not committed."""

    pages_left = 0

    def observe(self, source: str, page: Page, tx: Tx) -> int:
        found = super().observe(source, page, tx)
        self.pages_left -= 1
        if self.pages_left == 0:
            raise Killed
        return found


@pytest.fixture(params=LOGGED)
def site(request: pytest.FixtureRequest, ledger: Ledger) -> Site:
    return Site(ledger, request.param, COUNT)


def catch_up(site: Site, patience: int = 0) -> None:
    end_of(site.feeder().catch_up(site.kind, site.access, patience=patience))


def told(site: Site) -> list[str]:
    """The delivery ids of the events in the inbox."""
    return sorted(row["delivery_id"] for row in site.rows(events) if "#look" not in row["delivery_id"])


def webhook(site: Site, number: int = -1) -> None:
    """An entry of the log, delivered."""
    body = site.world.delivery(site.world.log[number])
    parsed = site.access.connector.parse(Delivery(body))
    site.inbox.accept([Intake(site.kind, tuple(parsed), body)])


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_run_that_dies_between_storing_and_committing_a_page_goes_on_without_a_gap(
    site: Site, page: int
) -> None:
    for number, user_id in enumerate(site.world.ids):
        site.world.block(user_id, BEGAN_S + number)
    site.world.at_once = 70  # Auth0 hangs up now and then
    site.clock.advance(HOUR_S)  # type: ignore[attr-defined]
    site.inbox.__class__ = DyingInbox
    site.inbox.pages_left = page  # type: ignore[attr-defined]

    with pytest.raises(Killed):
        catch_up(site)
    kept = len(told(site))
    catch_up(site)

    assert kept < COUNT
    assert len(told(site)) == len(set(told(site))) == COUNT
    assert site.known(Kind.USER) == set(site.world.ids)


def test_an_event_that_becomes_visible_late_is_found_by_the_next_run(site: Site) -> None:
    site.world.block("user_0000001", BEGAN_S)
    catch_up(site)
    site.world.block(SOMEBODY, BEGAN_S - LATE_S[site.kind] + 10)
    site.clock.advance(60)  # type: ignore[attr-defined]

    catch_up(site)

    assert site.known(Kind.USER) == {"user_0000001", SOMEBODY}


@pytest.mark.parametrize("webhook_first", [True, False])
def test_an_event_that_comes_both_ways_is_one(site: Site, *, webhook_first: bool) -> None:
    site.world.block(SOMEBODY, BEGAN_S)
    ways: list[Callable[[Site], None]] = [webhook, catch_up]

    for way in ways if webhook_first else ways[::-1]:
        way(site)

    assert len(told(site)) == 1


def test_a_webhook_that_comes_while_the_feed_is_read_is_the_same_event(site: Site) -> None:
    site.world.block(SOMEBODY, BEGAN_S)
    site.world.before = lambda _: webhook(site)

    catch_up(site)

    assert len(told(site)) == 1


@pytest.mark.parametrize("kind", LOGGED)
def test_both_ways_at_the_very_same_time_are_one_event(ledger: Ledger, kind: str) -> None:
    site = Site(ledger, kind, COUNT, SystemClock())
    began = site.clock.now() // SECOND - HOUR_S
    for number in range(20):
        site.world.block(f"user_{number:07}", began + number)
    together = threading.Barrier(2)

    def deliver() -> None:
        together.wait()
        for number in range(20):
            webhook(site, number)

    def read() -> None:
        together.wait()
        catch_up(site)

    with ThreadPoolExecutor() as threads:
        for future in [threads.submit(deliver), threads.submit(read)]:
            future.result()

    assert len(told(site)) == 20


def test_a_realm_that_stores_no_events_is_known_by_listing(ledger: Ledger) -> None:
    site = Site(ledger, "keycloak", 20)
    end_of(site.feeder().backfill("keycloak", site.access))
    site.rest()
    site.world.stores = False
    site.world.block(SOMEBODY, BEGAN_S + HOUR_S)
    site.clock.advance(2 * HOUR_S)  # type: ignore[attr-defined]

    catch_up(site)
    before = site.due()
    end_of(site.feeder().backfill("keycloak", site.access))

    assert (before, site.due()) == (set(), {SOMEBODY})


@pytest.fixture
def auth0(ledger: Ledger) -> Site:
    site = Site(ledger, "auth0", COUNT)
    end_of(site.feeder().backfill("auth0", site.access))
    site.rest()
    site.world.block(SOMEBODY, BEGAN_S + HOUR_S)
    site.clock.advance(2 * HOUR_S)  # type: ignore[attr-defined]
    return site


def test_a_killed_run_whose_offset_has_expired_begins_at_the_cursor_and_says_so(auth0: Site) -> None:
    for number, user_id in enumerate(auth0.world.ids):
        auth0.world.block(user_id, BEGAN_S + HOUR_S + number)
    auth0.inbox.__class__ = DyingInbox
    auth0.inbox.pages_left = 2  # type: ignore[attr-defined]
    with pytest.raises(Killed):
        catch_up(auth0)
    auth0.world.expired = frozenset({"from"})

    last = end_of(auth0.feeder().catch_up("auth0", auth0.access))

    assert (last.complete, last.gap) == (True, EXPIRED)
    assert auth0.due() == set(auth0.world.ids)


@pytest.mark.parametrize(
    ("has_streams", "expired", "gap"),
    [(False, frozenset[str](), ""), (True, frozenset({"from_timestamp"}), EXPIRED)],
    ids=["without the Events API", "expired"],
)
def test_where_auth0_cannot_tell_the_past_changed_users_are_listed(
    auth0: Site, has_streams: bool, expired: frozenset[str], gap: str
) -> None:
    auth0.world.streams = has_streams
    auth0.world.expired = expired

    last = end_of(auth0.feeder().catch_up("auth0", auth0.access))

    assert (last.complete, last.gap) == (True, gap)
    assert auth0.due() == {SOMEBODY}


def test_the_position_of_a_stream_outlives_a_run_in_which_nothing_happened(auth0: Site) -> None:
    catch_up(auth0)
    auth0.rest()

    last = end_of(auth0.feeder().catch_up("auth0", auth0.access))
    auth0.world.block("user_0000004", auth0.clock.now() // SECOND)
    auth0.clock.advance(60)  # type: ignore[attr-defined]
    catch_up(auth0)

    assert last.news == 0
    assert auth0.due() == {"user_0000004"}
