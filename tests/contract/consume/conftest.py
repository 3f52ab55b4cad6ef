"""The brokers, and a consumer of one of them whose every commit is counted."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from moto.server import ThreadedMotoServer
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger

from tests import servers
from tests.contract.consume import brokers
from tests.contract.consume.tansu import TansuServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"
KINDS = ("rabbitmq", "redis", "sqs", "kafka", "tansu")


@pytest.fixture(scope="session")
def rabbitmq() -> str:
    url = os.environ.get("UNKEY_SYNC_TEST_AMQP_URL", RABBITMQ)
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", 5672)) and url == RABBITMQ:
            servers.unavailable("RabbitMQ")
    return url


@pytest.fixture(scope="session")
def sqs_endpoint() -> Iterator[str]:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in keys.items():
            environment.setenv(name, value)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=servers.free_port(), verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture(scope="session")
def kafka_broker() -> tuple[Any, str]:
    return brokers.mock_kafka()


@pytest.fixture(scope="session")
def tansu() -> Iterator[TansuServer]:
    server = TansuServer()
    yield server
    server.stop()


@pytest.fixture
def sqlite_ledger(tmp_path: Path) -> Iterator[Ledger]:
    """SQLite: what differs here is the queue."""
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    migrate.upgrade(made.engine)
    yield made
    made.close()


def _rabbitmq(request: pytest.FixtureRequest) -> brokers.Rabbit:
    return brokers.Rabbit(request.getfixturevalue("rabbitmq"))


def _redis(request: pytest.FixtureRequest) -> brokers.Stream:
    return brokers.Stream(request.getfixturevalue("redis_broker"))


def _sqs(request: pytest.FixtureRequest) -> brokers.Sqs:
    return brokers.Sqs(request.getfixturevalue("sqs_endpoint"))


def _kafka(request: pytest.FixtureRequest) -> brokers.Kafka:
    return brokers.Kafka(*request.getfixturevalue("kafka_broker"))


def _tansu(request: pytest.FixtureRequest) -> brokers.Tansu:
    return brokers.Tansu(request.getfixturevalue("tansu"))


MAKERS: dict[str, Callable[[pytest.FixtureRequest], Any]] = {
    "rabbitmq": _rabbitmq,
    "redis": _redis,
    "sqs": _sqs,
    "kafka": _kafka,
    "tansu": _tansu,
}


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An empty queue of each kind."""
    made = MAKERS[request.param](request)
    yield made
    made.remove()
