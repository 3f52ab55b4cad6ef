"""The broker: reachable, and unable to throw wake-ups away. Losing it costs speed, never events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
from kombu.connection import Connection

from unkey_sync.doctor.report import Finding, Level, fine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.doctor.report import Patient

DEADLINE_S = 2.0
_REMEDY = "start the server, or correct UNKEY_SYNC_BROKER_URL"


def check_broker(patient: Patient) -> Iterator[Finding]:
    """Ask the broker that the URL names."""
    url = patient.loaded.settings.broker.url.get_secret_value()
    scheme = url.partition("://")[0]
    if scheme == "memory":
        yield from fine("in process")
    elif scheme in ("redis", "rediss"):
        yield from _check_redis(url)
    else:
        yield from _check_amqp(url)


def _check_redis(url: str) -> Iterator[Finding]:
    client = redis.Redis.from_url(url, socket_timeout=DEADLINE_S, socket_connect_timeout=DEADLINE_S)
    try:
        memory = client.info("memory")
    except (redis.RedisError, ValueError) as error:
        yield Finding(Level.ERROR, f"Redis is not reachable ({type(error).__name__})", _REMEDY)
    else:
        yield judge_policy(memory.get("maxmemory_policy"))
    finally:
        client.close()


def judge_policy(policy: str | None) -> Finding:
    """What an eviction policy means: anything but noeviction may throw away a whole queue, silently."""
    if policy == "noeviction":
        return Finding(Level.OK, "Redis: reachable, noeviction")
    return Finding(
        Level.ERROR,
        f"Redis: maxmemory-policy is {policy or 'unknown'}: it may throw away whole queues without an error",
        "CONFIG SET maxmemory-policy noeviction (and in redis.conf)",
    )


def _check_amqp(url: str) -> Iterator[Finding]:
    untyped: Any = Connection
    broker = untyped(url, connect_timeout=DEADLINE_S)
    try:
        broker.connect()
    except broker.connection_errors as error:
        yield Finding(Level.ERROR, f"the broker is not reachable ({type(error).__name__})", _REMEDY)
    else:
        yield from fine("reachable")
    finally:
        broker.release()
