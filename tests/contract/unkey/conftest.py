"""A real Redis for the gate. Keys of a test run are under a prefix of their own and expire by themselves."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
from unkey_sync.clock import FakeClock
from unkey_sync.unkey import CircuitRules, GateRules, RedisGate
from unkey_sync.unkey.redis_gate import connect

Gates = Callable[[], RedisGate]


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    client = connect(os.environ.get("UNKEY_SYNC_TEST_BROKER_URL", "redis://127.0.0.1:6379"))
    try:
        client.ping()
    except redis.ConnectionError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no Redis")
    yield client
    client.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def prefix() -> str:
    return f"unkey-sync-test-{uuid.uuid4()}"


@pytest.fixture
def another(broker: redis.Redis, clock: FakeClock, prefix: str) -> Iterator[Gates]:
    """Makes gates of one fleet, as separate processes would have them."""
    rules = GateRules(circuit=CircuitRules(failures=2))
    yield lambda: RedisGate(broker, clock, prefix=prefix, rules=rules)
    for key in broker.scan_iter(f"*{prefix}*"):
        broker.delete(key)
