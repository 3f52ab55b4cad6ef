"""`unkey-sync consume` as a process: killed again and again it loses and doubles nothing; told to stop it stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.clock import SystemClock
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger

from tests.contract.consume import given
from tests.contract.consume.conftest import MAKERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGES = 3_000
CONFIG = """
[sources.clerk]
kind = "clerk"
api_key = "sk_test_nobody"

[queues.users]
url = "env:QUEUE_URL"
{place} = "{name}"
source = "clerk"
{more}
"""
KAFKA = 'group = "{name}"\noptions = {{ "session.timeout.ms" = "3000", "heartbeat.interval.ms" = "500" }}'
"""A group notices after three seconds that a member was killed, not after 45."""
PLACES = {"redis": "stream", "kafka": "topic"}


@pytest.fixture(params=["rabbitmq", "redis", "tansu"])
def broker(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = MAKERS[request.param](request)
    yield made
    made.remove()


@dataclass
class Consuming:
    """Starts consumers of one queue into one ledger."""

    folder: Path
    environment: dict[str, str]

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "unkey_sync", "consume"]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        with process.stdout as lines:
            assert json.loads(lines.readline()) == {"event": "ready", "queues": ["users"]}
        return process


@pytest.fixture
def consuming(tmp_path: Path, broker: Any, postgresql: str) -> Consuming:
    scheme = broker.settings.scheme
    more = KAFKA.format(name=broker.name) if scheme == "kafka" else ""
    text = CONFIG.format(place=PLACES.get(scheme, "queue"), name=broker.name, more=more)
    (tmp_path / "unkey-sync.toml").write_text(text)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "QUEUE_URL": broker.settings.url.get_secret_value(),
        "UNKEY_SYNC_DATABASE_URL": postgresql,
    }
    return Consuming(tmp_path, environment)


@pytest.fixture
def ledger(postgresql: str) -> Iterator[Ledger]:
    from unkey_sync.ledger.tables import metadata  # noqa: PLC0415

    made = Ledger(postgresql)
    migrate.upgrade(made.engine)
    with made.engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    yield made
    made.close()


def wait_until(ledger: Ledger, count: int) -> None:
    clock, never = SystemClock(), threading.Event()
    deadline = clock.monotonic() + 60
    while sum(given.stored(ledger).values()) < count:
        assert clock.monotonic() < deadline, given.stored(ledger)
        clock.wait(never, 0.02)


def test_killed_at_any_moment_it_stores_every_event_once(
    broker: Any, consuming: Consuming, ledger: Ledger
) -> None:
    for number in range(MESSAGES):
        broker.publish(given.user_body(number), {"svix-id": f"msg_{number}"})

    for kill in range(1, 4):
        process = consuming.start()
        wait_until(ledger, kill * MESSAGES // 4)
        process.kill()
        process.wait()
    killed = sum(given.stored(ledger).values())
    take_over(broker)
    last = consuming.start()
    wait_until(ledger, MESSAGES)
    last.send_signal(signal.SIGTERM)

    assert last.wait(timeout=10) == 0
    assert killed < MESSAGES
    assert given.stored(ledger) == {"pending": MESSAGES}
    assert broker.left() == 0


def take_over(broker: Any) -> None:
    """What the killed consumers held on Redis is given back now instead of in a minute."""
    if broker.settings.scheme != "redis":
        return
    queue = broker.connect()
    store = queue._redis
    for entry in store.xpending_range(broker.name, "unkey-sync", "-", "+", 10_000):
        store.xclaim(
            broker.name, "unkey-sync", entry["consumer"], 0, [entry["message_id"]], idle=120_000, justid=True
        )
    queue.close()


def test_told_to_stop_it_ends_within_seconds_with_success(consuming: Consuming, ledger: Ledger) -> None:
    process = consuming.start()

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=8) == 0
