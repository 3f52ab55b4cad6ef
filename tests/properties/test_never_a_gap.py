"""P11: between any two calls of a plan change nobody has less than both plans grant. P8: then nothing is left to do."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unkey_sync.configfile import parse_document
from unkey_sync.engine.catalogue import keep_roles
from unkey_sync.policy import read_policy

from tests import makers
from tests.conftest import PROFILE, empty
from tests.house import House
from tests.properties.fleet import Fleet, Odds
from tests.properties.holding import Holding, held, lowest

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync_connectors.event import Event

POLICY = read_policy(
    parse_document(
        b"""
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
key.credits = { remaining = 100, refill = { interval = "monthly", amount = 100, day = 1 } }
[[plans]]
name = "wide"
rank = 5
match = [{ source = "stripe", lookup_key = "wide" }]
identity.ratelimits = [{ name = "requests", limit = 2000, duration = "1m", auto_apply = true }]
key.credits = { remaining = 50, refill = { interval = "daily", amount = 50 } }
[[plans]]
name = "team"
rank = 10
match = [{ source = "stripe", lookup_key = "team" }]
identity.ratelimits = [{ name = "requests", limit = 500, duration = "1m", auto_apply = true }]
key.credits = { remaining = 5000, on_change = "carry" }
key.roles = ["member"]
[[plans]]
name = "pro"
rank = 20
match = [{ source = "stripe", lookup_key = "pro" }]
identity.ratelimits = [{ name = "requests", limit = 1000, duration = "1m", auto_apply = true }]
key.roles = ["member", "exporter"]
[roles]
member = ["read"]
exporter = ["read", "export"]
[[top_ups]]
match = [{ source = "stripe", price = "price_1000" }]
credits = 1000
[[keys]]
slot = "default"
""",
        "gap.toml",
    )
)
MEMBER, EXPORTER = frozenset({"member"}), frozenset({"member", "exporter"})
READ, EXPORT = frozenset({"read"}), frozenset({"read", "export"})
GRANTED = {
    "free": Holding(100, 100, refill=100),
    "wide": Holding(2000, 50, refill=50),
    "team": Holding(500, 5000, MEMBER, READ),
    "pro": Holding(1000, math.inf, EXPORTER, EXPORT),
}
HISTORIES = 5_000 if PROFILE == "soak" else 50


@dataclass
class Watch:
    """Looks between every two calls; `low` collects what was below the floor."""

    house: House
    floor: Holding
    seen: int = 0
    low: list[Holding] = field(default_factory=list)

    def look(self) -> None:
        self.seen += 1
        now = held(self.house, "org_1")
        if not now.covers(self.floor):
            self.low.append(now)


class Observed(Fleet):
    """Workers under fire, watched."""

    watch: Watch

    def _before(self, operation: str) -> None:
        self.watch.look()
        super()._before(operation)

    def _after(self, operation: str) -> None:
        self.watch.look()
        super()._after(operation)


def say(plan: str, version: int) -> Event:
    """The subscription as it is from now on."""
    status = "paused" if plan == "free" else "active"
    return makers.subscription(lookup_key=plan, status=status, version=version * makers.SECOND)


def settled(memory: Ledger, bought: int = 0) -> House:
    empty(memory)
    house = House(memory, POLICY)
    keep_roles(house.client, POLICY.roles)
    house.accept(makers.organization(), makers.customer(metadata={"org_id": "org_1"}))
    if bought:
        house.accept(makers.order(quantity=bought // 1000))
    rest(house)
    return house


def rest(house: House) -> None:
    """Also what has to wait until Unkey has settled."""
    for _ in range(3):
        house.settle()
        house.clock.advance(31)


def granted(plan: str, bought: int) -> Holding:
    """With the credits that were bought: no plan takes them."""
    return replace(GRANTED[plan], credits=GRANTED[plan].credits + bought)


def wake(house: House) -> int:
    """Look at everybody again; how many calls changed anything."""
    before = len(house.transport.mutations)
    with house.ledger.transaction() as tx:
        tx.subjects.mark_page_due("", 1_000, 0)
    house.settle()
    return len(house.transport.mutations) - before


@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    bought=st.sampled_from([0, 0, 3000]),
    changes=st.lists(
        st.lists(st.sampled_from(sorted(GRANTED)), min_size=1, max_size=3), min_size=1, max_size=4
    ),
)
def test_no_plan_change_ever_takes_what_both_plans_grant(
    memory: Ledger, seed: int, bought: int, changes: list[list[str]]
) -> None:
    house = settled(memory, bought)
    fleet = Observed(house, random.Random(seed), Odds(lost=0.1, before=0.1, after=0.2, commit=0.2))
    version = 1

    for burst in changes:
        before = held(house, "org_1")
        fleet.watch = Watch(house, lowest([before, *[granted(plan, bought) for plan in burst]]))
        for plan in burst:
            version += 1
            house.accept(say(plan, version))
            fleet.some(2)
        fleet.run()
        rest(house)

        assert fleet.watch.low == []
        assert held(house, "org_1") == granted(burst[-1], bought)
        assert wake(house) == 0


def test_the_watch_looks_around_every_call_and_sees_a_gap(memory: Ledger) -> None:
    house = settled(memory)
    fleet = Observed(house, random.Random(1), Odds(0, 0, 0, 0))
    fleet.watch = Watch(house, GRANTED["pro"])
    house.accept(say("pro", 2))
    before = len(house.transport.calls)

    fleet.run()

    assert fleet.watch.seen == 2 * len(house.transport.calls[before:])
    assert house.transport.calls[-3:] == ["identities.updateIdentity", "keys.updateKey", "keys.setRoles"]
    assert fleet.watch.low[0] == GRANTED["free"]
    assert held(house, "org_1") == GRANTED["pro"]
