"""P5: no order of creation, deletion and keys of the customer's own code, and no death, leaves an enabled key."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.policy import read_policy

from tests import makers
from tests.conftest import PROFILE, empty
from tests.house import API_ID, House
from tests.properties.fleet import LEASE_S, ORPHANS_S, Died, claim
from tests.properties.standing import deliver, everything, unowned, verdict

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.policy import Policy

TEXT = """
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
[[keys]]
slot = "default"
strategy = "STRATEGY"
[lifecycle]
deleted = { disable = "now", erase_after = "0s" }
"""
POLICIES = {
    strategy: read_policy(parse_document(TEXT.replace("STRATEGY", strategy).encode(), "offboarding.toml"))
    for strategy in ("create", "migrate")
}
POLICY = POLICIES["create"]
ORDERS = list(itertools.permutations(["create", "key", "delete"]))
EVERY_PAUSE = list(itertools.product([False, True], repeat=3))
PAUSES = EVERY_PAUSE if PROFILE == "soak" else [(True, False, False), (True, True, True)]


@dataclass
class Mortal:
    """A worker that dies at the `at`-th step of its life: around each call and before each commit."""

    house: House
    at: int
    steps: int = 0
    died: bool = False

    def __post_init__(self) -> None:
        self.house.transport.before = self.house.transport.after = self._step

    def work(self) -> None:
        """Take turns until nothing is due, or until death; whoever comes next waits for the leases to end."""
        try:
            while works := claim(self.house):
                results = [self.house.performer.run(work) for work in works]
                self._step()
                self.house.committer.commit(results)
        except Died:
            self.house.clock.advance(LEASE_S + 1)

    def end(self) -> None:
        """Work until nothing is left, and until traces are swept."""
        for wait_s in (31, 31, 31, ORPHANS_S):
            self.work()
            self.house.clock.advance(wait_s)
        self.work()
        self.house.transport.before = self.house.transport.after = lambda _: None
        self.house.settle()

    def _step(self, _operation: str = "") -> None:
        self.steps += 1
        if self.steps == self.at:
            self.died = True
            raise Died


def tell(house: House, order: tuple[str, ...], pauses: tuple[bool, ...], at: int) -> Mortal:
    worker = Mortal(house, at)
    for act, pause in zip(order, pauses, strict=True):
        do(house, act)
        if pause:
            worker.work()
    worker.end()
    return worker


def do(house: House, act: str) -> None:
    said = makers.organization()
    if act == "key":
        house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1"})
    else:
        house.accept(said if act == "create" else makers.deleted(said))


def every_death(
    memory: Ledger, order: tuple[str, ...], pauses: tuple[bool, ...], policy: Policy
) -> list[House]:
    """The same story told with a death at each of its steps, and once without any."""
    ends = []
    for at in itertools.count(1):
        empty(memory)
        house = House(memory, policy)
        worker = tell(house, order, pauses, at)
        assert [key for key in everything(house) if key["enabled"]] == [], f"death at step {at}"
        assert unowned(house, ["org_1"]) == ()
        assert house.identity("org_1") is None
        ends.append(house)
        if not worker.died:
            return ends
    raise AssertionError


@pytest.mark.parametrize("pauses", PAUSES)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("strategy", POLICIES)
def test_nothing_stays_enabled_after_a_deletion(
    memory: Ledger, order: tuple[str, ...], pauses: tuple[bool, ...], strategy: str
) -> None:
    ends = every_death(memory, order, pauses, POLICIES[strategy])

    assert len(ends) > 5


@pytest.mark.parametrize("strategy", POLICIES)
def test_who_comes_back_has_one_new_key_whoever_died(memory: Ledger, strategy: str) -> None:
    back = makers.organization(version=9 * makers.SECOND)
    gone = makers.deleted(makers.organization(), terminal=False)

    for at in itertools.count(1):
        empty(memory)
        house = House(memory, POLICIES[strategy])
        worker = Mortal(house, at)
        house.accept(makers.organization())
        worker.work()
        house.accept(gone)
        worker.work()
        house.accept(back)
        worker.end()

        enabled = [key for key in everything(house) if key["enabled"]]
        secrets = deliver(house, "org_1")
        assert [key["identity"].get("externalId") for key in enabled] == ["org_1"], f"death at step {at}"
        assert [verdict(house, secret) for secret in secrets].count("VALID") == 1
        assert unowned(house, ["org_1"]) == ()
        if not worker.died:
            break
    assert at > 15


def test_a_key_made_after_the_removal_was_verified_is_seen_by_the_standing_check(memory: Ledger) -> None:
    house = House(memory, POLICY)
    house.accept(makers.organization())
    house.settle()
    house.accept(makers.deleted(makers.organization()))
    house.settle()

    late = house.call("keys.createKey", {"apiId": API_ID, "externalId": "org_1"})["data"]

    assert unowned(house, ["org_1"]) == (late["keyId"],)
