"""Time: whatever is to happen later is a date in a row, and happens whether anybody was there at the time or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync import reports
from unkey_sync.clock import DAY, SECOND
from unkey_sync.configfile import parse_document
from unkey_sync.engine.waking import Timekeeper
from unkey_sync.policy import read_policy

from tests import makers
from tests.house import House

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.model import State

POLICY = """
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m" }]
[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro_monthly" }]
identity.ratelimits = [{ name = "requests", limit = 1000, duration = "1m" }]
[lifecycle]
past_due = { grace = "7d", then = "suspend" }
paused = "PAUSED"
deleted = { erase_after = "30d" }
"""
DAY_S = 86_400
FREE, PRO = [100], [1000]


@pytest.fixture
def house(ledger: Ledger) -> House:
    return furnished(ledger)


def furnished(ledger: Ledger, paused: str = "default_plan") -> House:
    house = House(ledger, read_policy(parse_document(POLICY.replace("PAUSED", paused).encode(), "test.toml")))
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    house.settle()
    return house


def say(house: House, status: str = "active", **body: object) -> None:
    """The subscription as it is now."""
    house.accept(makers.subscription(status=status, version=house.clock.now(), body=body))


def limits(house: House) -> list[int]:
    identity = house.identity("org_1")
    assert identity is not None
    return [limit["limit"] for limit in identity.get("ratelimits", [])]


def access(house: House) -> str:
    return str(house.planner.desired(state(house)).access)


def state(house: House) -> State:
    with house.ledger.transaction() as tx:
        work = reports.find_work(tx, "org_1")
    assert work is not None
    return work.state()


def wait(house: House, days: float) -> None:
    """Workers are there, and no event comes."""
    house.clock.advance(days * DAY_S)
    house.settle()


ENDINGS = {
    "a paid period": ("active", {"cancel_at_period_end": True, "period_end": 10}),
    "a cancellation date": ("active", {"cancel_at": 10}),
    "a trial": ("trialing", {"trial_end": 10}),
    "a cancelled subscription": ("canceled", {"period_end": 10}),
    "a scheduled pause": ("active", {"pause_at": 10}),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("present", [True, False], ids=["workers there", "a week of downtime"])
def test_what_ends_ends_by_itself(house: House, ending: str, present: bool) -> None:
    status, days = ENDINGS[ending]
    now = house.clock.now()
    say(house, status, **{name: now + 10 * DAY if value == 10 else value for name, value in days.items()})
    house.settle()
    at_first = limits(house)
    if present:
        wait(house, 9.9)
        assert limits(house) == PRO

    wait(house, 0.2 if present else 17)

    assert (at_first, limits(house)) == (PRO, FREE)
    assert house.is_done()


def test_a_failed_payment_is_borne_for_its_grace_and_then_suspends(house: House) -> None:
    say(house)
    house.settle()
    house.clock.advance(60)
    say(house, "past_due")
    house.settle()
    wait(house, 6.9)
    borne = (limits(house), access(house))
    wait(house, 0.2)
    over = (limits(house), access(house))
    say(house)
    house.settle()

    assert borne == (PRO, "enabled")
    assert over == (PRO, "suspended")
    assert (limits(house), access(house)) == (PRO, "enabled")


def test_a_grace_that_ran_out_during_a_downtime_suspends_and_a_payment_in_it_does_not(house: House) -> None:
    say(house)
    house.settle()
    house.clock.advance(60)
    say(house, "past_due")
    house.clock.advance(6 * DAY_S)
    say(house)  # paid, while nobody worked
    house.clock.advance(8 * DAY_S)

    house.settle()

    assert (limits(house), access(house)) == (PRO, "enabled")


@pytest.mark.parametrize(("paused", "during"), [("default_plan", FREE), ("keep", PRO)])
def test_a_pause_and_its_end(ledger: Ledger, paused: str, during: list[int]) -> None:
    house = furnished(ledger, paused)
    say(house)
    house.settle()
    house.clock.advance(60)
    say(house, "paused")
    house.settle()
    while_paused = limits(house)
    house.clock.advance(60)
    say(house)
    house.settle()

    assert while_paused == during
    assert limits(house) == PRO


def test_a_pause_that_the_policy_keeps_is_no_date(ledger: Ledger) -> None:
    house = furnished(ledger, "keep")
    say(house, pause_at=house.clock.now() + DAY)
    house.settle()

    wait(house, 2)

    assert limits(house) == PRO


def test_a_deleted_customer_is_erased_after_its_retention_also_over_a_downtime(house: House) -> None:
    house.accept(makers.deleted(makers.organization(version=house.clock.now())))
    house.settle()
    kept = house.identity("org_1")
    house.clock.advance(37 * DAY_S)

    house.settle()

    assert kept is not None
    assert house.identity("org_1") is None


def test_a_clock_that_was_ahead_and_is_set_back_takes_nothing_away_for_good(house: House) -> None:
    keeper = Timekeeper(house.ledger, house.clock)
    say(house, cancel_at_period_end=True, period_end=house.clock.now() + 10 * DAY)
    house.settle()
    keeper.run_once()
    house.clock.advance(20 * DAY_S)  # wrong
    keeper.run_once()
    house.settle()
    ahead = limits(house)

    house.clock.advance(-20 * DAY_S)
    woken = Timekeeper(house.ledger, house.clock).run_once()  # another process
    house.settle()
    back = limits(house)
    again = keeper.run_once()
    wait(house, 10.1)

    assert (ahead, woken, back, again) == (FREE, 1, PRO, 0)
    assert limits(house) == FREE


def test_who_died_while_the_clock_was_ahead_holds_nobody_up(house: House) -> None:
    keeper = Timekeeper(house.ledger, house.clock)
    house.clock.advance(20 * DAY_S)
    keeper.run_once()
    say(house)
    house.work_and_die()
    house.clock.advance(-20 * DAY_S)

    keeper.run_once()
    house.settle()

    assert limits(house) == PRO


def test_clocks_that_differ_by_seconds_wake_nobody(house: House) -> None:
    keeper = Timekeeper(house.ledger, house.clock)
    keeper.run_once()
    house.clock.advance(-200)

    assert keeper.run_once() == 0
    assert house.clock.now() % SECOND == 0
