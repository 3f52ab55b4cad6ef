"""P4: whatever is lost and whoever dies, every subject ends with exactly one usable key, handed over once."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.policy import read_policy

from tests import makers
from tests.conftest import PROFILE
from tests.house import House
from tests.properties.fleet import Fleet, Odds
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
key.credits = { remaining = 100, refill = { interval = "monthly", amount = 100, day = 1 } }
[[keys]]
slot = "default"
prefix = "acme"
"""


def policy(strategy: str) -> Policy:
    return read_policy(parse_document(f'{TEXT}strategy = "{strategy}"\n'.encode(), "grants.toml"))


STRATEGIES = {"create": "keys.createKey", "migrate": "keys.migrateKeys"}
GRANTS = 10_000 if PROFILE == "soak" else 200
SEEDS = range(20) if PROFILE == "soak" else range(3)


def grant(house: House, names: list[str], seed: int) -> Fleet:
    house.accept(*[makers.organization(name) for name in names])
    fleet = Fleet(house, random.Random(seed), Odds())
    fleet.run()
    return fleet


@pytest.mark.timeout(3_600 if PROFILE == "soak" else 60)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_lost_answers_and_dead_workers_leave_one_usable_key_each_delivered_once(
    memory: Ledger, strategy: str
) -> None:
    house = House(memory, policy(strategy))
    names = [f"org_{number}" for number in range(GRANTS)]

    fleet = grant(house, names, seed=4)
    keys = everything(house)
    secrets = {name: deliver(house, name) for name in names}
    again = [deliver(house, name) for name in names]

    assert min(fleet.hits.values()) > 0
    assert fleet.lost.count(STRATEGIES[strategy]) > GRANTS / 40
    assert len(keys) == len([key for key in keys if key["enabled"]]) == GRANTS
    assert {key["identity"]["externalId"] for key in keys} == set(names)
    assert [len(found) for found in secrets.values()] == [1] * GRANTS
    assert {verdict(house, found[0]) for found in secrets.values()} == {"VALID"}
    assert again == [[]] * GRANTS
    assert unowned(house, names) == ()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_few_grants_under_heavy_fire_end_the_same(memory: Ledger, seed: int, strategy: str) -> None:
    house = House(memory, policy(strategy))
    names = [f"org_{number}" for number in range(8)]
    house.accept(*[makers.organization(name) for name in names])
    fleet = Fleet(house, random.Random(seed), Odds(lost=0.2, before=0.1, after=0.1, commit=0.2), batch=2)

    fleet.run()

    assert min(fleet.hits.values()) > 0
    assert len(everything(house)) == len(names)
    assert [len(deliver(house, name)) for name in names] == [1] * len(names)
    assert unowned(house, names) == ()
