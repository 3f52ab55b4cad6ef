"""Backfill: everything once, wherever it is killed, whatever moves; nothing said to be missing without proof."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unkey_sync.errors import Park, Retry, RetryAt
from unkey_sync.feeder import BACKFILL, COMPLETE, EVERYTHING, RUNNING, Feed, Wanted, listing
from unkey_sync.intake import Intake
from unkey_sync.ledger.tables import metadata
from unkey_sync.sourceapi import SourceRefused
from unkey_sync_connectors.base import Gone
from unkey_sync_connectors.event import Kind

from tests import makers
from tests.contract.feeds.given import Killed, Site, end_of
from tests.contract.feeds.worlds import BEGAN_S, too_many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.feeder import Progress
    from unkey_sync.ledger.feed_rows import FeedRow
    from unkey_sync.ledger.store import Ledger
    from unkey_sync_connectors.base import Page

COUNTS = {"clerk": 1_100, "stripe": 210, "polar": 210, "paddle": 410, "lago": 210}
"""Three pages of each list."""
COUNT = COUNTS["clerk"]
PATIENT = Wanted(patience=5)


@pytest.fixture(params=sorted(COUNTS))
def site(request: pytest.FixtureRequest, ledger: Ledger) -> Site:
    return Site(ledger, request.param, COUNTS[request.param])


@pytest.fixture
def clerk(ledger: Ledger) -> Site:
    return Site(ledger, "clerk", COUNT)


def backfill(site: Site, wanted: Wanted = PATIENT) -> Iterator[Progress]:
    """As a new process."""
    return site.feeder().backfill(site.kind, site.access, wanted)


def feed_row(site: Site) -> FeedRow:
    with site.ledger.transaction() as tx:
        row = tx.feeds.get(site.kind, BACKFILL)
    assert row is not None
    return row


def everything(site: Site) -> dict[str, list[dict[str, Any]]]:
    return {name: site.rows(table) for name, table in metadata.tables.items()}


def subjects(site: Site) -> set[str]:
    return {one for one in site.due() if one.startswith("user_")}


def test_everything_is_listed_once_and_everybody_is_due(site: Site) -> None:
    last = end_of(backfill(site))

    assert last.complete
    assert feed_row(site).state == COMPLETE
    assert len(subjects(site)) == COUNTS[site.kind]
    assert site.repeats() == 0


def test_killed_again_and_again_and_slowed_down_it_still_lists_everything_once(site: Site) -> None:
    kills: set[int] = set()
    period = {"clerk": 11}.get(site.kind, 4)  # Clerk is asked for four totals before the first page

    def nemesis(call: int) -> httpx.Response | None:
        if call % period == period - 1:
            return too_many()
        if call % period == period // 2:
            kills.add(call)
            raise Killed
        return None

    site.world.before = nemesis
    complete = False
    while not complete:
        try:
            complete = end_of(backfill(site)).complete
        except Killed:
            continue

    assert len(kills) >= 2
    assert len(subjects(site)) == COUNTS[site.kind]
    assert site.repeats() == 0


def test_killed_inside_a_pages_transaction_it_repeats_that_page_only(clerk: Site) -> None:
    observe, stored = clerk.inbox.observe, list[int]()

    def die_once(source: str, page: Any, tx: Any) -> int:
        news = observe(source, page, tx)
        stored.append(news)
        if len(stored) == 2:
            raise Killed
        return news

    clerk.inbox.observe = die_once  # type: ignore[method-assign]
    with pytest.raises(Killed):
        end_of(backfill(clerk))
    last = end_of(backfill(clerk))
    both = clerk.world.calls
    end_of(backfill(clerk))

    assert last.complete
    assert clerk.known(Kind.USER) == {f"user_{number:07}" for number in range(COUNT)}
    assert clerk.repeats() == 0
    assert both == (clerk.world.calls - both) + 1


def test_pages_that_move_under_the_listing_leave_no_gap(site: Site) -> None:
    def move(call: int) -> None:
        if site.kind == "clerk" and call % 2:
            site.world.remove(site.world.ids[call])
            site.world.add(f"user_9{call:06}", BEGAN_S)
        if site.kind != "clerk" and call % 2:
            site.world.numbers.remove(call)

    before = set(site.world.ids if site.kind == "clerk" else site.world.numbers)
    site.world.before = move
    end_of(backfill(site))

    stayed = before & set(site.world.ids if site.kind == "clerk" else site.world.numbers)
    known = site.known(Kind.USER if site.kind == "clerk" else Kind.SUBSCRIPTION)
    assert len(stayed) < COUNTS[site.kind]
    assert {one if isinstance(one, str) else f"sub_{one:07}" for one in stayed} <= known


def test_the_row_under_the_cursor_may_vanish_between_two_pages(clerk: Site) -> None:
    run = backfill(clerk)
    next(run)
    clerk.world.remove("user_0000499")
    end_of(run)

    assert {f"user_{number:07}" for number in range(500, COUNT)} <= clerk.known(Kind.USER)


def test_a_second_backfill_of_what_has_not_changed_is_no_work_for_anybody(site: Site) -> None:
    end_of(backfill(site))
    site.rest()
    events = len(everything(site)["events"])

    last = end_of(backfill(site))

    assert (last.complete, last.news) == (True, 0)
    assert site.due() == set()
    assert len(everything(site)["events"]) == events


def test_what_was_heard_already_is_not_written_again(site: Site) -> None:
    end_of(backfill(site))
    before = everything(site)
    if site.kind == "clerk":  # Stripe's objects carry no version: seen later, they overrule more than before
        site.clock.advance(3_600)  # type: ignore[attr-defined]  # a FakeClock

    end_of(backfill(site))

    after = everything(site)
    assert {name for name in after if after[name] != before[name]} == {"feeds"}


def test_a_listing_never_overwrites_a_newer_live_change(clerk: Site) -> None:
    run = backfill(clerk)
    later = makers.user("user_0001050", blocked="banned", version=(BEGAN_S + 5) * makers.SECOND)
    next(run)
    clerk.inbox.accept([Intake("clerk", (later,), b"{}")])
    end_of(run)

    with clerk.ledger.transaction() as tx:
        (row,) = tx.facts.load([("clerk", "user", "user_0001050")], []).values()
    assert row.register.body["blocked"] == "banned"


def test_objects_a_complete_listing_does_not_show_are_reported_and_nobody_is_removed(clerk: Site) -> None:
    end_of(backfill(clerk))
    clerk.rest()
    clerk.world.remove("user_0000003")
    clerk.clock.advance(60)  # type: ignore[attr-defined]

    last = end_of(backfill(clerk))

    assert last.coverage.doubt() is None
    assert [one.id for one in last.coverage.missing(clerk.ledger)] == ["user_0000003"]
    assert clerk.due() == set()
    assert "user_0000003" in clerk.known(Kind.USER)


def test_what_became_known_while_the_listing_ran_is_not_missing(clerk: Site) -> None:
    run = backfill(clerk)
    next(run)
    clerk.clock.advance(1)  # type: ignore[attr-defined]
    clerk.inbox.accept([Intake("clerk", (makers.user("user_new"),), b"{}")])
    last = end_of(run)

    assert list(last.coverage.missing(clerk.ledger)) == []


def test_an_empty_listing_proves_nothing(clerk: Site) -> None:
    end_of(backfill(clerk))
    clerk.clock.advance(60)  # type: ignore[attr-defined]
    clerk.world.ids.clear()

    last = end_of(backfill(clerk))

    assert last.complete
    assert list(last.coverage.missing(clerk.ledger)) == []


def test_a_listing_shorter_than_the_sources_own_count_proves_nothing(clerk: Site) -> None:
    clerk.world.routes["/v1/users/count"] = lambda _: {"total_count": COUNT + 1}

    last = end_of(backfill(clerk))

    assert last.complete
    assert "counts more" in str(last.coverage.doubt())


def test_a_resumed_or_filtered_run_may_not_say_what_is_missing(clerk: Site) -> None:
    next(backfill(clerk))
    resumed = end_of(backfill(clerk))
    filtered = end_of(backfill(clerk, Wanted(since=BEGAN_S * makers.SECOND)))
    unfinished = next(backfill(clerk))

    assert "--restart" in str(resumed.coverage.doubt())
    assert "--restart" in str(filtered.coverage.doubt())
    assert "end" in str(unfinished.coverage.doubt())


def test_a_preview_counts_what_a_run_would_find_and_writes_nothing(site: Site) -> None:
    feed = listing(site.kind, site.access)
    before = everything(site)

    planned = end_of(site.feeder().preview(feed, PATIENT))
    after = everything(site)
    done = end_of(backfill(site))

    assert before == after
    assert site.kind != "clerk" or planned.news == done.news == COUNT
    assert planned.news >= done.news > 0


def test_a_limit_stops_after_the_page_that_reaches_it_and_the_next_run_goes_on(clerk: Site) -> None:
    first = end_of(backfill(clerk, Wanted(limit=600)))
    state = feed_row(clerk).state
    second = end_of(backfill(clerk))

    assert (first.done, first.complete, state) == (1000, False, RUNNING)
    assert (second.done, second.complete) == (COUNT, True)


def test_since_takes_in_only_what_changed_since(clerk: Site) -> None:
    clerk.world.updated["user_0000007"] = (BEGAN_S + 60) * 1_000

    last = end_of(backfill(clerk, Wanted(since=(BEGAN_S + 30) * makers.SECOND)))

    assert last.complete
    assert clerk.known(Kind.USER) == {"user_0000007"}


def test_told_to_stop_it_ends_after_the_page_in_hand(clerk: Site) -> None:
    stop = threading.Event()
    done = []
    for progress in clerk.feeder(stop).backfill("clerk", clerk.access, PATIENT):
        done.append(progress.done)
        stop.set()

    assert done == [500]
    assert feed_row(clerk).state == RUNNING


def test_a_source_that_asks_for_a_pause_gets_all_of_it(clerk: Site) -> None:
    began = clerk.clock.monotonic()
    clerk.world.before = lambda call: too_many(120) if call == 6 else None

    end_of(backfill(clerk))

    assert clerk.clock.monotonic() - began >= 120


@pytest.mark.parametrize(("status", "reaction"), [(429, RetryAt), (500, Retry)])
def test_a_source_that_never_recovers_is_given_up_and_nothing_is_lost(
    clerk: Site, status: int, reaction: type[Exception]
) -> None:
    next(backfill(clerk))
    clerk.world.before = lambda _: httpx.Response(status, content=b"{}")
    with pytest.raises(reaction):
        end_of(backfill(clerk))
    clerk.world.before = lambda _: None

    assert end_of(backfill(clerk)).complete
    assert clerk.repeats() == 0


def test_a_refused_key_ends_the_run_at_once(clerk: Site) -> None:
    clerk.world.before = lambda _: httpx.Response(401, content=b"{}")

    with pytest.raises(SourceRefused):
        end_of(backfill(clerk))

    assert clerk.world.calls == 1


def test_an_api_that_knows_no_such_list_is_a_failure_and_no_empty_source(clerk: Site) -> None:
    def refuse(_since: int, _checkpoint: str | None) -> Iterator[Page]:
        raise Gone

    with pytest.raises(Park, match="no such list"):
        list(clerk.feeder().follow(Feed("clerk", BACKFILL, refuse), EVERYTHING))

    with clerk.ledger.transaction() as tx:
        assert tx.feeds.get("clerk", BACKFILL) is None
