"""Bought credits under fire: whatever is lost, killed, repeated or refunded, each purchase counts exactly once."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unkey_sync.configfile import parse_document
from unkey_sync.policy import read_policy

from tests import makers
from tests.conftest import PROFILE, empty
from tests.house import API_ID, House
from tests.properties.fleet import Fleet, Odds

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
key.credits = { remaining = 100, refill = { interval = "monthly", amount = 100, day = 1 } }
[[plans]]
name = "team"
rank = 10
match = [{ source = "stripe", lookup_key = "team" }]
key.credits = { remaining = 5000, on_change = "carry" }
[[plans]]
name = "pro"
rank = 20
match = [{ source = "stripe", lookup_key = "pro" }]
[[top_ups]]
match = [{ source = "stripe", price = "price_1000" }]
credits = 1000
[[keys]]
slot = "default"
""",
        "top_ups.toml",
    )
)
PLANS = {"free": 100, "team": 5000, "pro": None}
HISTORIES = 2_000 if PROFILE == "soak" else 40

Step = tuple[str, object]

steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("plan"), st.sampled_from(sorted(PLANS))),
    st.tuples(st.just("buy"), st.integers(0, 3)),
    st.tuples(st.just("refund"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.none()),
    st.tuples(st.just("buy"), st.integers(0, 3)),
)


def of_a_vendor(history: list[Step]) -> list[Step]:
    """What is refunded is never paid again under the same id."""
    refunded: set[object] = set()
    kept: list[Step] = []
    for what, which in history:
        if what == "refund":
            refunded.add(which)
        if not (what == "buy" and which in refunded):
            kept.append((what, which))
    return kept


def say(house: House, step: Step, version: int) -> None:
    what, which = step
    if what == "wait":
        house.clock.advance(40)
        return
    at = version * makers.SECOND
    if what == "plan":
        status = "paused" if which == "free" else "active"
        house.accept(makers.subscription(lookup_key=str(which), status=status, version=at))
    else:
        status = "paid" if what == "buy" else "refunded"
        house.accept(makers.order(f"ord_{which}", status=status, version=at))


def expected(history: list[Step]) -> int | None:
    """By the last word on each: nothing was spent, so the balance is the plan's and what is paid for."""
    plan = next((which for what, which in reversed(history) if what == "plan"), "free")
    orders = {which: what for what, which in history if what in ("buy", "refund")}
    quota = PLANS[str(plan)]
    return None if quota is None else quota + 1000 * sum(what == "buy" for what in orders.values())


@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), history=st.lists(steps, min_size=4, max_size=12).map(of_a_vendor))
def test_every_purchase_counts_exactly_once(memory: Ledger, seed: int, history: list[Step]) -> None:
    empty(memory)
    house = House(memory, POLICY)
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    house.settle()
    fleet = Fleet(house, random.Random(seed), Odds(lost=0.25, before=0.1, after=0.15, commit=0.25))

    for version, step in enumerate(history, start=2):
        say(house, step, version)
        fleet.some(2)
    fleet.run()
    for _ in range(3):
        house.clock.advance(40)
        house.settle()

    (key,) = house.call("apis.listKeys", {"apiId": API_ID, "externalId": "org_1"})["data"]
    assert key.get("credits", {}).get("remaining") == expected(history)
