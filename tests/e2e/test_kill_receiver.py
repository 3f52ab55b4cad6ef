"""P1: the receiver is killed around each message of an event's way in; the sender's retry finishes it, once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.killing import (
    SCENARIOS,
    SOAK,
    Point,
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
from tests.e2e.wire import PostgreSQL, Proxy, Resp, Strike, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.e2e.deployment import Deployment
    from tests.e2e.killing import Subject
    from tests.e2e.processes import Program
    from tests.e2e.senders import Writer
    from tests.e2e.upstream import Upstream
    from tests.servers import RedisServer

SAMPLE = 5


class Victims:
    """Receivers, one after the other, whose every message is watched."""

    def __init__(self, deployment: Deployment, database: str, broker: str) -> None:
        self.watch = Watch()
        self._deployment = deployment
        self._proxies = {
            "UNKEY_SYNC_DATABASE_URL": Proxy(port_of(database), PostgreSQL, self.watch),
            "UNKEY_SYNC_BROKER_URL": Proxy(port_of(broker), Resp, self.watch),
        }
        self._urls = {"UNKEY_SYNC_DATABASE_URL": database, "UNKEY_SYNC_BROKER_URL": broker}
        self.restart()

    def restart(self) -> Program:
        urls = {name: through(self._urls[name], proxy.port) for name, proxy in self._proxies.items()}
        self.current = self._deployment.serve(**urls)
        return self.current

    def close(self) -> None:
        for proxy in self._proxies.values():
            proxy.close()


@pytest.fixture(scope="module")
def victims(deployment: Deployment, database: str, redis_server: RedisServer) -> Iterator[Victims]:
    deployment.start("worker")
    made = Victims(deployment, database, redis_server.url)
    yield made
    made.close()


def warm_up(deployment: Deployment, victims: Victims, subject: Subject) -> None:
    """A process that has received one delivery of this kind, as every later victim has."""
    victims.current.kill()
    victims.restart()
    deployment.send(subject.letter)
    eventually(lambda: "redis LPUSH" in victims.watch.seen, "the bell has rung")
    deployment.settle()


def rehearse(deployment: Deployment, victims: Victims, subjects: Sequence[Subject]) -> int:
    """How many messages this event's way in has."""
    warm_up(deployment, victims, subjects[0])
    victims.watch.aim(None)
    deployment.send(subjects[1].letter)
    eventually(lambda: "redis LPUSH" in victims.watch.seen, "the bell has rung")
    return len(victims.watch.seen)


def kill_at(deployment: Deployment, victims: Victims, point: Point, subject: Subject) -> str:
    """Kill the receiver at this point and let the sender try again; the message at which it died."""
    victims.watch.aim(Strike(victims.current.pid, point.at, point.when))
    with suppress(httpx.TransportError):  # not acknowledged: a sender delivers again
        assert deployment.post.deliver(subject.letter).status_code == 200
    eventually(lambda: victims.watch.struck is not None, f"a receiver killed at {point}")
    victims.current.process.wait(10)
    victims.restart()
    deployment.send(subject.letter)
    deployment.settle()
    assert victims.watch.struck is not None
    return victims.watch.struck


@pytest.mark.timeout(14_400 if SOAK else 120)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=names)
def test_a_killed_receiver_loses_and_doubles_nothing(
    scenario: Scenario, victims: Victims, deployment: Deployment, write: Writer, upstream: Upstream
) -> None:
    first = prepare(deployment, write, scenario, (f"user_{scenario.name}_in_{word}" for word in "ab"))
    total = rehearse(deployment, victims, first)
    chosen = points(total, SAMPLE)
    called = (f"user_{scenario.name}_in{number}" for number in range(len(chosen)))
    subjects = prepare(deployment, write, scenario, called)
    warm_up(deployment, victims, first[0])

    died = [kill_at(deployment, victims, *one) for one in zip(chosen, subjects, strict=True)]

    print(f"{scenario.name}: {len(chosen)} of {2 * total} kill points, {sorted(set(died))}")
    found = [verdict(upstream, scenario, subject) for subject in [*first, *subjects]]
    assert found == [wanted(scenario)] * len(found)
    assert deployment.parked() == []
    assert deployment.counts().get("parked", 0) == 0
    deployment.cli("drain", "--timeout", "30")
