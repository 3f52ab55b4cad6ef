"""The same service elsewhere: all in one process on SQLite, and with RabbitMQ as its broker."""

from __future__ import annotations

import socket
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests import servers
from tests.e2e.deployment import Deployment
from tests.e2e.wire import Plain, Proxy, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.senders import Writer
    from tests.e2e.upstream import Upstream

RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"
BELL = b"unkey_sync.drain"


@pytest.fixture
def on_sqlite(tmp_path: Path, upstream: Upstream) -> Iterator[Deployment]:
    made = Deployment(tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}", "memory://", upstream)
    made.serve("dev")
    yield made
    made.close()


def test_one_process_on_sqlite_does_what_a_deployment_does(
    on_sqlite: Deployment, write: Writer, upstream: Upstream
) -> None:
    on_sqlite.send(write.user("user_one"), write.customer("user_one"), write.subscription("user_one"))
    on_sqlite.settle()
    paid = upstream.limits("user_one")
    key = upstream.make_key("user_one")

    on_sqlite.send(write.user("user_one", "deleted"))
    on_sqlite.cli("drain", "--timeout", "30")

    assert paid == [1000]
    assert upstream.identity("user_one") is None
    assert upstream.verdict(key) == "NOT_FOUND"


def test_a_killed_process_on_sqlite_loses_nothing_it_acknowledged(
    on_sqlite: Deployment, write: Writer, upstream: Upstream
) -> None:
    for number in range(5):
        on_sqlite.send(write.user(f"user_killed_{number}"))
        on_sqlite.programs[-1].kill()
        on_sqlite.serve("dev")

    on_sqlite.settle()

    found = [(upstream.limits(f"user_killed_{n}"), upstream.created(f"user_killed_{n}")) for n in range(5)]
    assert found == [([100], 1)] * 5


def test_rabbitmq_carries_the_bell(folder: Path, database: str, write: Writer, upstream: Upstream) -> None:
    if not _answers(RABBITMQ):
        servers.unavailable("RabbitMQ")
    heard = Watch()
    proxy = Proxy(urlsplit(RABBITMQ).port or 0, Plain, heard)
    broker = f"amqp://guest:guest@127.0.0.1:{proxy.port}//"
    slow = {"UNKEY_SYNC_SWEEP_INTERVAL": "60"}
    deployment = Deployment(folder, database, RABBITMQ, upstream)
    deployment.serve()
    deployment.start("worker", UNKEY_SYNC_BROKER_URL=broker, **slow)

    # Others may use this broker and take a bell of ours: then the next letter rings again.
    while not heard.answered(BELL):
        user = f"user_{uuid.uuid4().hex}"
        deployment.send(write.user(user))
        heard.wait_for(BELL, 5)
    deployment.settle()
    deployment.close()
    proxy.close()

    assert upstream.limits(user) == [100]


def _answers(url: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0
