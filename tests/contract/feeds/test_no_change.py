"""From a backfill to Unkey: everybody is made once, and what has not changed costs no mutating call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.feeder import Feeder
from unkey_sync.ledger.subject_rows import SWEEP
from unkey_sync.policy import read_policy

from tests.conftest import PROFILE
from tests.contract.feeds.given import access_to, end_of
from tests.contract.feeds.worlds import ClerkWorld
from tests.house import API_ID, House

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.feeder import Progress
    from unkey_sync.ledger.store import Ledger

COUNT = 120
MANY = 100_000 if PROFILE == "soak" else 2_000
POLICY = b"""
[subjects]
owner = "user"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
"""

ANOTHER_PLAN = b"""
[[plans]]
name = "bought-by-nobody"
rank = 10
match = [{ source = "stripe", lookup_key = "nobody" }]
"""


class Backfilled:
    """A house, and a Clerk whose users it lists."""

    def __init__(self, ledger: Ledger, count: int = COUNT) -> None:
        self.house = House(ledger, read_policy(parse_document(POLICY, "test.toml")))
        self.world = ClerkWorld(self.house.clock, count)
        self.access = access_to("clerk", self.world, self.house.clock)

    def backfill(self) -> Sequence[str]:
        """The mutating calls that Unkey got for one backfill."""
        before = len(self.house.transport.mutations)
        self.list()
        self.house.settle()
        return self.house.transport.mutations[before:]

    def list(self) -> Progress:
        """Everything is listed, and nobody works on it yet."""
        feeder = Feeder(self.house.ledger, self.house.inbox, self.house.clock, lambda: None)
        return end_of(feeder.backfill("clerk", self.access))


@pytest.fixture
def backfilled(ledger: Ledger) -> Backfilled:
    return Backfilled(ledger)


def test_everybody_is_made_once_and_a_second_backfill_calls_nobody(backfilled: Backfilled) -> None:
    first = backfilled.backfill()
    calls = len(backfilled.house.transport.calls)

    second = backfilled.backfill()

    assert first.count("identities.createIdentity") == COUNT
    assert second == []
    assert len(backfilled.house.transport.calls) == calls


@pytest.mark.timeout(14_400 if PROFILE == "soak" else 120)
def test_many_subjects_without_a_change_cost_no_call_whatever_makes_them_due(ledger: Ledger) -> None:
    backfilled = Backfilled(ledger, MANY)
    house = backfilled.house
    made = backfilled.backfill()
    house.transport.calls.clear()

    again = backfilled.list()
    turns_after_listing = house.work()
    with ledger.transaction() as tx:
        tx.subjects.mark_due(dict.fromkeys(backfilled.world.ids, SWEEP))
    turns_when_due = house.work()
    house.restart_with(read_policy(parse_document(POLICY + ANOTHER_PLAN, "test.toml")))
    turns_after_restart = house.work()

    assert made.count("identities.createIdentity") == MANY
    assert (again.done, again.news) == (MANY, 0)
    assert turns_after_listing == 0
    assert turns_when_due == turns_after_restart == MANY
    assert house.transport.calls == []
    assert house.is_done()


def test_one_change_among_many_costs_calls_for_one(backfilled: Backfilled) -> None:
    backfilled.backfill()
    changed = "user_0000007"
    key = backfilled.house.call("keys.createKey", {"apiId": API_ID, "externalId": changed})["data"]
    backfilled.world.banned.add(changed)
    backfilled.world.updated[changed] = backfilled.house.clock.now() // 1_000

    second = backfilled.backfill()

    assert second == ["keys.updateKey"]
    assert backfilled.house.call("keys.verifyKey", {"key": key["key"]})["data"]["code"] == "DISABLED"


def test_a_user_that_is_not_listed_any_more_costs_no_call_either(backfilled: Backfilled) -> None:
    backfilled.backfill()
    backfilled.world.remove("user_0000007")

    second = backfilled.backfill()

    assert second == []
    assert backfilled.house.identity("user_0000007") is not None
