"""What a source's webhooks said while nobody listened is recovered: by its feed, or by listing everything.

One line in SOURCES for each source: how its world changes, and what is then known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from unkey_sync.clock import DAY, SECOND
from unkey_sync.feeder import CATCH_UP, FIRST_LOOK_BACK
from unkey_sync.intake import Intake

from tests import makers
from tests.contract.feeds.given import Killed, Site, end_of
from tests.contract.feeds.worlds import BEGAN_S, too_many

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.facts import Register
    from unkey_sync.ledger.store import Ledger

HOUR_S = 3_600


@dataclass(frozen=True)
class Source:
    """`change` something at a time; `key` of the fact that must show it; `shows` whether it does."""

    change: Callable[[Site, int], None]
    key: tuple[str, str, str]
    shows: Callable[[Register], bool]


def change_user(site: Site, at_s: int) -> None:
    site.world.updated["user_0000003"] = at_s * 1_000
    site.world.banned.add("user_0000003")


def change_subscription(site: Site, at_s: int) -> None:
    site.world.change(3, "past_due", at_s)


def block_user(site: Site, at_s: int) -> None:
    site.world.block("user_0000003", at_s)


def is_banned(found: Register) -> bool:
    return bool(found.body["blocked"] == "banned")


def terminate_subscription(site: Site, at_s: int) -> None:
    site.world.change(3, "terminated", at_s)


SOURCES = {
    "clerk": Source(
        change_user,
        ("clerk", "user", "user_0000003"),
        lambda found: found.body["blocked"] == "banned",
    ),
    "stripe": Source(
        change_subscription,
        ("stripe", "subscription", "sub_0000003"),
        lambda found: found.body["status"] == "past_due",
    ),
    "workos": Source(
        block_user,
        ("workos", "user", "user_0000003"),
        lambda found: found.body["metadata"] == {"user_id": "blocked"},
    ),
    **{
        kind: Source(block_user, (kind, "user", "user_0000003"), is_banned)
        for kind in ("auth0", "supabase", "okta", "keycloak")
    },
    "polar": Source(
        change_subscription,
        ("polar", "subscription", "sub_0000003"),
        lambda found: found.body["status"] == "past_due",
    ),
    "paddle": Source(
        change_subscription,
        ("paddle", "subscription", "sub_0000003"),
        lambda found: found.body["status"] == "past_due",
    ),
    "lago": Source(
        terminate_subscription,
        ("lago", "subscription", "sub_0000003"),
        lambda found: found.body["status"] == "ended",
    ),
}

LOGGED = ("workos", "auth0", "okta", "keycloak")
"""Sources whose feed tells deletions."""


def remove_user(site: Site) -> None:
    if site.kind == "clerk":
        site.world.remove("user_0000003")
    else:
        site.world.remove("user_0000003", BEGAN_S + HOUR_S)


@pytest.fixture(params=sorted(SOURCES))
def site(request: pytest.FixtureRequest, ledger: Ledger) -> Site:
    made = Site(ledger, request.param, 20)
    end_of(made.feeder().backfill(made.kind, made.access))
    end_of(made.feeder().catch_up(made.kind, made.access))
    made.rest()
    return made


def register(site: Site) -> Register:
    key = SOURCES[site.kind].key
    with site.ledger.transaction() as tx:
        return tx.facts.load([key], [])[key].register


def cursor(site: Site) -> int:
    with site.ledger.transaction() as tx:
        row = tx.feeds.get(site.kind, CATCH_UP)
    assert row is not None
    return row.since


def lose_a_webhook(site: Site) -> None:
    SOURCES[site.kind].change(site, BEGAN_S + HOUR_S)
    site.clock.advance(2 * HOUR_S)  # type: ignore[attr-defined]


def test_what_was_lost_is_recovered_by_catching_up(site: Site) -> None:
    lose_a_webhook(site)

    last = end_of(site.feeder().catch_up(site.kind, site.access))

    assert last.complete
    assert SOURCES[site.kind].shows(register(site))
    assert site.due() == {"user_0000003"}


def test_what_was_lost_is_recovered_by_listing_everything(site: Site) -> None:
    lose_a_webhook(site)

    end_of(site.feeder().backfill(site.kind, site.access))

    assert SOURCES[site.kind].shows(register(site))
    assert site.due() == {"user_0000003"}


def test_catching_up_twice_is_no_second_effect(site: Site) -> None:
    lose_a_webhook(site)
    end_of(site.feeder().catch_up(site.kind, site.access))
    site.rest()

    last = end_of(site.feeder().catch_up(site.kind, site.access))

    assert last.news == 0
    assert site.due() == set()


def test_a_catch_up_that_was_killed_is_done_again_from_the_same_cursor(site: Site) -> None:
    lose_a_webhook(site)
    before = cursor(site)

    def die(_call: int) -> None:
        raise Killed

    site.world.before = die
    with pytest.raises(Killed):
        end_of(site.feeder().catch_up(site.kind, site.access))
    untouched = cursor(site)
    site.world.before = lambda _: None
    end_of(site.feeder().catch_up(site.kind, site.access))

    assert untouched == before
    assert SOURCES[site.kind].shows(register(site))


def test_a_webhook_does_not_move_the_cursor(site: Site) -> None:
    before = cursor(site)
    later = replace(makers.user("user_live"), source=site.kind, occurred_at=(BEGAN_S + 9 * HOUR_S) * SECOND)
    site.inbox.accept([Intake(site.kind, (later,), b"{}")])

    lose_a_webhook(site)
    end_of(site.feeder().catch_up(site.kind, site.access))

    assert SOURCES[site.kind].shows(register(site))
    assert before <= cursor(site) < (BEGAN_S + 9 * HOUR_S) * SECOND


def test_looking_back_on_purpose_leaves_the_cursor_where_it_is(site: Site) -> None:
    lose_a_webhook(site)
    before = cursor(site)

    since = (BEGAN_S + HOUR_S - 60) * SECOND
    end_of(site.feeder().catch_up(site.kind, site.access, since=since))

    assert SOURCES[site.kind].shows(register(site))
    assert cursor(site) == before


def test_the_first_catch_up_looks_back_a_day(ledger: Ledger) -> None:
    site = Site(ledger, "stripe", 20)
    site.world.change(3, "past_due", BEGAN_S - DAY // SECOND + 60)
    site.world.change(4, "past_due", BEGAN_S - 2 * DAY // SECOND)

    last = end_of(site.feeder().catch_up("stripe", site.access))

    assert FIRST_LOOK_BACK == DAY
    assert last.done == 1


@pytest.mark.parametrize("kind", ["clerk", "supabase", *LOGGED])
def test_a_deletion_that_was_lost_is_reported_by_listing_everything(ledger: Ledger, kind: str) -> None:
    site = Site(ledger, kind, 20)
    end_of(site.feeder().backfill(kind, site.access))
    remove_user(site)
    site.clock.advance(60)  # type: ignore[attr-defined]

    last = end_of(site.feeder().backfill(kind, site.access))

    assert [one.subject for one in last.coverage.missing(ledger)] == ["user_0000003"]


@pytest.mark.parametrize("kind", LOGGED)
def test_a_deletion_that_was_lost_is_recovered_by_catching_up(ledger: Ledger, kind: str) -> None:
    site = Site(ledger, kind, 20)
    end_of(site.feeder().backfill(kind, site.access))
    end_of(site.feeder().catch_up(kind, site.access))
    site.rest()
    remove_user(site)
    site.clock.advance(2 * HOUR_S)  # type: ignore[attr-defined]

    end_of(site.feeder().catch_up(kind, site.access))

    assert register(site).deleted
    assert site.due() == {"user_0000003"}


def test_a_source_that_asks_for_a_pause_is_asked_again_after_it(site: Site) -> None:
    lose_a_webhook(site)
    began, refused = site.clock.monotonic(), site.world.calls + 1
    site.world.before = lambda call: too_many(after_s=7) if call == refused else None

    last = end_of(site.feeder().catch_up(site.kind, site.access, patience=1))

    assert last.complete
    assert SOURCES[site.kind].shows(register(site))
    assert site.clock.monotonic() - began >= 7
