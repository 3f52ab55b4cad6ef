"""From a backfill to Unkey: everybody is made once, and what has not changed costs no mutating call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.feeder import Feeder
from unkey_sync.policy import read_policy

from tests.contract.feeds.given import access_to, end_of
from tests.contract.feeds.worlds import ClerkWorld
from tests.house import API_ID, House

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

COUNT = 120
POLICY = b"""
[subjects]
owner = "user"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
"""


class Backfilled:
    """A house, and a Clerk whose users it lists."""

    def __init__(self, ledger: Ledger) -> None:
        self.house = House(ledger, read_policy(parse_document(POLICY, "test.toml")))
        self.world = ClerkWorld(self.house.clock, COUNT)
        self.access = access_to("clerk", self.world, self.house.clock)

    def backfill(self) -> list[str]:
        """The mutating calls that Unkey got for one backfill."""
        before = len(self.house.transport.mutations)
        feeder = Feeder(self.house.ledger, self.house.inbox, self.house.clock, lambda: None)
        end_of(feeder.backfill("clerk", self.access))
        self.house.settle()
        return self.house.transport.mutations[before:]


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
