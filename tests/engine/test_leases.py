"""P6: a worker whose lease ran out neither goes on nor writes anything down, whoever took over and when."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.errors import LostLease
from unkey_sync.policy import read_policy

from tests import makers
from tests.conftest import empty
from tests.house import House
from tests.properties.fleet import LEASE_S, claim
from tests.properties.standing import deliver, everything, unowned, verdict

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

POLICY = read_policy(
    parse_document(
        b"""
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
key.credits = { remaining = 100 }
[[keys]]
slot = "default"
""",
        "leases.toml",
    )
)


@pytest.fixture
def house(ledger: Ledger) -> House:
    return House(ledger, POLICY)


class Stall:
    """Stops a worker after its `at`-th call until its lease is over and another one has done everything."""

    def __init__(self, house: House, at: int) -> None:
        self._house = house
        self._at = at
        self._calls = 0
        self.hit = False
        self.call = ""
        house.transport.after = self._after

    def _after(self, operation: str) -> None:
        self._calls += 1
        if self._calls == self._at:
            self.hit, self.call = True, operation
            self._house.clock.advance(LEASE_S + 1)
            self._house.work()


def rows(house: House) -> dict[str, object]:
    """What the ledger says of the subject."""
    with house.ledger.transaction() as tx:
        return {
            "subject": tx.subjects.get("org_1"),
            "identity": tx.identities.load(["org_1"]),
            "secrets": tx.keys.handovers_of("org_1"),
            "operations": tx.identities.operations_of("org_1"),
        }


def test_a_worker_that_stalled_after_any_call_makes_no_other_and_records_nothing(ledger: Ledger) -> None:
    stalled_at: list[str] = []
    for at in itertools.count(1):
        empty(ledger)
        house = House(ledger, POLICY)
        stall = Stall(house, at)
        house.accept(makers.organization())
        while not stall.hit and (works := claim(house, owner="slow")):
            (result,) = [house.performer.run(work) for work in works]
            calls, before = len(house.transport.calls), rows(house)
            lost = house.committer.commit([result])
        if not stall.hit:
            break
        stalled_at.append(stall.call)

        assert result.error is not None or result.look_again_at is not None
        assert lost == 1
        assert len(house.transport.calls) == calls
        assert rows(house) == before
        assert_one_usable_key(house)
    assert stalled_at == ["identities.createIdentity", "keys.createKey", "keys.updateKey"]


def assert_one_usable_key(house: House) -> None:
    house.transport.after = lambda _: None
    house.clock.advance(LEASE_S + 1)
    house.settle()
    house.clock.advance(700)
    house.settle()
    (secret,) = deliver(house, "org_1")
    assert verdict(house, secret) == "VALID"
    assert len(everything(house)) == 1
    assert unowned(house, ["org_1"]) == ()


def test_two_workers_never_hold_one_subject_at_one_time(house: House) -> None:
    house.accept(*[makers.organization(f"org_{number}") for number in range(6)])

    first = claim(house, 4, "first")
    second = claim(house, 4, "second")
    nothing = claim(house, 4, "third")
    house.clock.advance(LEASE_S + 1)
    taken_over = claim(house, 6, "third")

    assert {work.subject for work in first}.isdisjoint(work.subject for work in second)
    assert len(first) + len(second) == len(taken_over) == 6
    assert nothing == []
    fences = {work.subject: work.claim.fence for work in (*first, *second)}
    assert all(work.claim.fence > fences[work.subject] for work in taken_over)
    assert all(work.claim.uncertain for work in taken_over)


def test_of_two_results_for_one_subject_only_the_holder_s_is_recorded(house: House) -> None:
    house.accept(makers.organization())
    slow = [house.performer.run(work) for work in claim(house, owner="slow")]
    house.clock.advance(LEASE_S + 1)
    quick = [house.performer.run(work) for work in claim(house, owner="quick")]

    lost = [house.committer.commit(slow), house.committer.commit(quick)]

    assert lost == [1, 0]
    assert_one_usable_key(house)


def test_a_worker_that_wakes_up_late_begins_no_call(house: House) -> None:
    house.accept(makers.organization())
    works = claim(house, owner="slow")
    house.clock.advance(LEASE_S + 1)

    (result,) = [house.performer.run(work) for work in works]

    assert isinstance(result.error, LostLease)
    assert house.transport.calls == []
