"""P1, P4: the worker is killed around each message it sends for one event; another one finishes it, once.

Messages go to PostgreSQL, Redis and Unkey. Sweeps and polling pass by, too, so of many points a few fall on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.killing import (
    SCENARIOS,
    SOAK,
    Scenario,
    names,
    points,
    port_of,
    prepare,
    through,
    verdict,
    wanted,
)
from tests.e2e.processes import eventually
from tests.e2e.wire import Http, PostgreSQL, Proxy, Resp, Strike, Watch, When

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.deployment import Deployment
    from tests.e2e.killing import Subject
    from tests.e2e.senders import Writer
    from tests.e2e.upstream import Upstream
    from tests.servers import RedisServer

SAMPLE = 6
REHEARSALS = 3
TIMINGS = {"UNKEY_SYNC_SWEEP_INTERVAL": "1", "UNKEY_SYNC_LEASE": "1"}
REPEATS = 20 if SOAK else 1
CHANGES = [
    (SCENARIOS[0], "identities.createIdentity", 1),
    (SCENARIOS[1], "identities.updateIdentity", 1),
    (SCENARIOS[2], "keys.updateKey", 1),
    (SCENARIOS[2], "keys.updateKey", 2),
    (SCENARIOS[2], "identities.deleteIdentity", 1),
]
"""Every change of Unkey in each event's life: scenario, operation, which call of it."""


class Victims:
    """Workers, one after the other, whose every message is watched."""

    def __init__(self, deployment: Deployment, database: str, broker: str) -> None:
        self.watch = Watch()
        self._deployment = deployment
        urls = {
            "UNKEY_SYNC_DATABASE_URL": (database, PostgreSQL, port_of(database)),
            "UNKEY_SYNC_BROKER_URL": (broker, Resp, port_of(broker)),
            "UNKEY_BASE_URL": (deployment.upstream.url, Http, deployment.upstream.port),
        }
        self._proxies = {name: Proxy(port, split, self.watch) for name, (_, split, port) in urls.items()}
        self._environment = {
            name: through(url, self._proxies[name].port) for name, (url, _, _) in urls.items()
        }
        self.restart()

    def restart(self) -> None:
        """The next worker; returns when it has looked for due work once."""
        self.watch.aim(None)
        self.current = self._deployment.start("worker", **self._environment, **TIMINGS)
        eventually(lambda: "redis BRPOP" in self.watch.seen, "a worker that listens")

    def close(self) -> None:
        for proxy in self._proxies.values():
            proxy.close()


@pytest.fixture(scope="module")
def victims(deployment: Deployment, database: str, redis_server: RedisServer) -> Iterator[Victims]:
    deployment.serve()
    made = Victims(deployment, database, redis_server.url)
    yield made
    made.current.stop()
    made.close()


def rehearse(deployment: Deployment, victims: Victims, subjects: list[Subject]) -> int:
    """How many messages the worker sends until an event is done: the fewest, as its chores come in between."""
    totals = []
    for subject in subjects:
        victims.watch.aim(None)
        deployment.send(subject.letter)
        deployment.settle()
        totals.append(len(victims.watch.seen))
    return min(totals)


def kill_at(deployment: Deployment, victims: Victims, strike: Strike, subject: Subject) -> str | None:
    """Send the event, kill the worker, start another; the message at which it died, None if it came through."""
    victims.watch.aim(strike)
    deployment.send(subject.letter)
    eventually(lambda: bool(victims.watch.struck) or deployment.is_drained(), f"an end of {strike}")
    died = victims.watch.struck
    victims.watch.aim(None)
    if died is not None:
        victims.current.process.wait(10)
        victims.restart()
        deployment.settle()
    return died


def assert_all_well(
    deployment: Deployment, upstream: Upstream, scenario: Scenario, subjects: list[Subject]
) -> None:
    found = [verdict(upstream, scenario, subject) for subject in subjects]
    assert found == [wanted(scenario)] * len(found)
    assert deployment.parked() == []
    assert deployment.counts().get("parked", 0) == 0
    deployment.cli("drain", "--timeout", "30")


@pytest.mark.timeout(14_400 if SOAK else 120)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=names)
def test_a_killed_worker_loses_and_doubles_nothing(
    scenario: Scenario, victims: Victims, deployment: Deployment, write: Writer, upstream: Upstream
) -> None:
    first = prepare(
        deployment, write, scenario, (f"user_{scenario.name}_first{n}" for n in range(REHEARSALS))
    )
    total = rehearse(deployment, victims, first)
    chosen = points(total, SAMPLE)
    called = (f"user_{scenario.name}_work{number}" for number in range(len(chosen)))
    subjects = prepare(deployment, write, scenario, called)

    died = [
        kill_at(deployment, victims, Strike(victims.current.pid, point.at, point.when), subject)
        for point, subject in zip(chosen, subjects, strict=True)
    ]

    print(f"{scenario.name}: {len(chosen)} of {2 * total} kill points, {[one for one in died if one]}")
    assert sum(one is not None for one in died) >= 0.7 * len(died)
    assert_all_well(deployment, upstream, scenario, [*first, *subjects])


@pytest.mark.timeout(3_600 if SOAK else 120)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change[1]}-{change[2]}")
def test_a_worker_killed_between_a_change_in_unkey_and_its_answer_repeats_nothing(
    change: tuple[Scenario, str, int], victims: Victims, deployment: Deployment, write: Writer
) -> None:
    scenario, operation, nth = change
    called = (f"user_{operation}{nth}_{number}" for number in range(REPEATS))
    subjects = prepare(deployment, write, scenario, called)

    died = [
        kill_at(
            deployment, victims, Strike(victims.current.pid, nth, When.ANSWERED, f"http {operation}"), one
        )
        for one in subjects
    ]

    assert died == ["answer"] * REPEATS
    assert_all_well(deployment, deployment.upstream, scenario, subjects)
