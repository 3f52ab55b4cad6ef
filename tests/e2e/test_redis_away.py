"""Redis is a bell, no more: flushed, frozen or killed, every webhook is acknowledged fast and takes effect."""

from __future__ import annotations

import signal
import time
from statistics import quantiles
from typing import TYPE_CHECKING

import pytest
import redis

from tests.e2e.processes import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Writer
    from tests.e2e.upstream import Upstream
    from tests.servers import RedisServer

SWEEP_S = 1.0
SLACK_S = 10.0
QUEUE = "unkey-sync:unkey-sync"
LETTERS = 40


@pytest.fixture(scope="module")
def live(deployment: Deployment) -> Deployment:
    deployment.serve()
    deployment.start("worker", UNKEY_SYNC_SWEEP_INTERVAL=str(SWEEP_S))
    return deployment


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(redis_server.url, socket_timeout=2)
    yield made
    made.close()


def send_timed(live: Deployment, write: Writer, users: list[str]) -> list[float]:
    """Seconds that each acknowledgement took."""
    took = []
    for user in users:
        letter, began = write.user(user), time.monotonic()
        live.send(letter)
        took.append(time.monotonic() - began)
    return took


def p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[-1]


def assert_all_arrived(upstream: Upstream, users: list[str]) -> None:
    assert [(upstream.limits(user), upstream.created(user)) for user in users] == [([100], 1)] * len(users)


def calls_of(client: redis.Redis, command: str) -> int:
    stats = client.info("commandstats")
    assert isinstance(stats, dict)
    return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))


def assert_bell_works(live: Deployment, write: Writer, client: redis.Redis, user: str) -> None:
    """A bell is rung into the queue, and the worker takes it out."""
    eventually(lambda: calls_of(client, "brpop") > 0, "a worker that listens again", 60)
    before = calls_of(client, "lpush")
    # The sender of the bell leaves a broken Redis alone for a while, so one letter may not be enough.
    for number in range(30):
        live.send(write.user(f"{user}_{number}"))
        if calls_of(client, "lpush") > before:
            break
        time.sleep(1)
    assert calls_of(client, "lpush") > before
    eventually(lambda: client.llen(QUEUE) == 0, "the bell heard", 15)
    live.settle()


def test_flushing_redis_under_load_loses_nothing(
    live: Deployment, write: Writer, upstream: Upstream, client: redis.Redis
) -> None:
    users = [f"user_flush_{number}" for number in range(LETTERS)]
    killed = 0

    for user in users:
        live.send(write.user(user))
        client.flushall()
        killed += client.client_kill_filter(_type="normal", skipme=True)
    took_s = live.settle()

    assert killed > 0
    assert took_s < SWEEP_S + SLACK_S
    assert_all_arrived(upstream, users)


def test_a_frozen_redis_slows_no_acknowledgement(
    live: Deployment, write: Writer, upstream: Upstream, redis_server: RedisServer, client: redis.Redis
) -> None:
    users = [f"user_frozen_{number}" for number in range(LETTERS)]
    redis_server.signal(signal.SIGSTOP)
    with pytest.raises(redis.TimeoutError):
        client.ping()

    acks = send_timed(live, write, users)
    ready = live.post.get("/readyz").status_code
    took_s = live.settle()
    redis_server.signal(signal.SIGCONT)

    assert p99(acks) < 1
    assert ready == 200
    assert took_s < SWEEP_S + SLACK_S
    assert_all_arrived(upstream, users)
    assert_bell_works(live, write, client, "user_thawed")


def test_a_killed_redis_is_not_missed_and_is_used_again_when_it_is_back(
    live: Deployment, write: Writer, upstream: Upstream, redis_server: RedisServer, client: redis.Redis
) -> None:
    users = [f"user_killed_{number}" for number in range(LETTERS)]
    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        client.ping()

    acks = send_timed(live, write, users)
    ready = live.post.get("/readyz").status_code
    took_s = live.settle()
    redis_server.start()

    assert p99(acks) < 1
    assert ready == 200
    assert took_s < SWEEP_S + SLACK_S
    assert_all_arrived(upstream, users)
    assert_bell_works(live, write, client, "user_revived")
