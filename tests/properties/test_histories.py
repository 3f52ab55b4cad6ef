"""P2, P3, P8: whatever is repeated, reordered or late, Unkey ends as the source says, and a second look is idle."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unkey_sync.configfile import parse_document
from unkey_sync.engine.doubts import SourceAccess
from unkey_sync.policy import read_policy

from tests.conftest import PROFILE, empty
from tests.house import House
from tests.properties.histories import ORGANIZATIONS, Source, expected_limits

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync_connectors.base import Api, Connector

POLICY = read_policy(
    parse_document(
        b"""
[subjects]
owner = "organization"
link = ["metadata.org_id"]
[[plans]]
name = "free"
default = true
identity.ratelimits = [{ name = "requests", limit = 100, duration = "1m", auto_apply = true }]
[[plans]]
name = "team"
rank = 5
match = [{ source = "stripe", lookup_key = "team_monthly" }]
identity.ratelimits = [{ name = "requests", limit = 500, duration = "1m", auto_apply = true }]
[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro_monthly" }]
identity.ratelimits = [{ name = "requests", limit = 1000, duration = "1m", auto_apply = true }]
identity.meta = { support = "priority" }
""",
        "histories.toml",
    )
)
HISTORIES = 20_000 if PROFILE == "soak" else 2_000


def tell(house: House, source: Source, chance: random.Random) -> None:
    """Let the source change while its events arrive late, twice, shuffled; at the end all have arrived."""
    outstanding: list[int] = []
    for _ in range(chance.randint(1, 4)):
        first = len(source.emitted)
        for _ in range(chance.randint(1, 6)):
            source.change()
        outstanding += range(first, len(source.emitted))
        chance.shuffle(outstanding)
        arriving = [outstanding.pop() for _ in range(chance.randint(0, len(outstanding)))]
        deliver(house, source, [*arriving, *chance.choices(arriving, k=2)] if arriving else [], chance)
    deliver(house, source, outstanding, chance)


def deliver(house: House, source: Source, numbers: list[int], chance: random.Random) -> None:
    for number in numbers:
        house.accept(source.emitted[number])
        if chance.random() < 0.3:
            house.work()


def found_limits(house: House) -> dict[str, int | None]:
    identities = {one: house.identity(one) for one in ORGANIZATIONS}
    return {
        name: None if identity is None else identity["ratelimits"][0]["limit"]
        for name, identity in identities.items()
    }


@pytest.mark.timeout(7200 if PROFILE == "soak" else 600)
@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_every_history_ends_as_the_source_says(memory: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    source = Source(chance)
    connector = cast("Connector", source)
    access = SourceAccess(connector, cast("Api", None))
    empty(memory)
    house = House(memory, POLICY, sources={"stripe": access, "clerk": access})

    tell(house, source, chance)
    house.settle()
    calls = len(house.transport.mutations)
    wake_all(house)
    house.settle()

    assert found_limits(house) == expected_limits(source.truth)
    assert len(house.transport.mutations) == calls
    assert events_by_state(house).keys() <= {"applied", "parked", "waiting"}


def wake_all(house: House) -> None:
    with house.ledger.transaction() as tx:
        tx.subjects.mark_page_due("", 1_000, 0)


def events_by_state(house: House) -> dict[str, Any]:
    with house.ledger.transaction() as tx:
        return dict(tx.reports.events_by_state())
