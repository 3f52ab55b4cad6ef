"""The deployment that is measured: its environment, its databases, and its objects inside this process."""

from __future__ import annotations

import base64
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
from unkey_sync.deployment import deployment_of
from unkey_sync.intake import Intake
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger
from unkey_sync.settings import load_settings
from unkey_sync.wiring import Runtime
from unkey_sync_connectors.base import Delivery

from tests import servers
from tests.bench.deliveries import CLERK_SECRET, STRIPE_SECRET, Deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

NOWHERE = "http://127.0.0.1:9"
POLICY = Path(__file__).with_name("bench.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the deployment finds its servers."""

    database: str
    broker: str = "memory://"
    upstream: str = NOWHERE
    sweep_s: float = 5.0
    state: str

    def environment(self) -> dict[str, str]:
        return {
            "UNKEY_ROOT_KEY": "unkey_bench",
            "UNKEY_API_ID": "api_bench",
            "UNKEY_BASE_URL": self.upstream,
            "UNKEY_SYNC_DATABASE_URL": self.database,
            "UNKEY_SYNC_BROKER_URL": self.broker,
            "UNKEY_SYNC_CONFIG": str(POLICY),
            "UNKEY_SYNC_STATE_DIR": self.state,
            "UNKEY_SYNC_SECRET_KEY": base64.b64encode(b"k" * 32).decode(),
            "UNKEY_SYNC_SWEEP_INTERVAL": str(self.sweep_s),
            "UNKEY_SYNC_LOG_LEVEL": "ERROR",
            "CLERK_WEBHOOK_SIGNING_SECRET": CLERK_SECRET,
            "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
        }

    def runtime(self, transport: httpx.BaseTransport | None = None) -> Runtime:
        """The objects of one process, in this process."""
        return Runtime(deployment_of(load_settings(self.environment())), transport=transport)


@contextmanager
def folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="unkey-sync-bench-") as path:
        yield path


@contextmanager
def postgresql() -> Iterator[str]:
    """URL of a fresh, migrated database, dropped at the end."""
    admin_url = servers.postgresql_admin_url()
    if admin_url is None:
        raise SystemExit("PostgreSQL is not reachable; set UNKEY_SYNC_TEST_DATABASE_URL")
    database = servers.Database(admin_url)
    try:
        _migrate(database.url)
        yield database.url
    finally:
        database.drop()


@contextmanager
def sqlite() -> Iterator[str]:
    with folder() as path:
        url = f"sqlite:///{path}/ledger.sqlite3"
        _migrate(url)
        yield url


def redis() -> str:
    url = servers.redis_url()
    if url is None:
        raise SystemExit("Redis is not reachable; set UNKEY_SYNC_TEST_BROKER_URL")
    return urlsplit(url)._replace(path="/13").geturl()  # a database of our own: others' workers hear no bells


def accept_users(runtime: Runtime, count: int, name: str) -> None:
    """Put sign-ups of Clerk users into the ledger, as the receiver would."""
    deliveries, now = Deliveries("bench"), runtime.clock.now()
    for start in range(0, count, 256):
        signed = (deliveries.signed(0, f"{name}{n}", now) for n in range(start, min(count, start + 256)))
        runtime.inbox.accept([_intake(runtime, one) for one in signed])


def _intake(runtime: Runtime, signed: tuple[str, Mapping[str, str], bytes]) -> Intake:
    source, headers, body = signed
    events = runtime.receiving[source].parse(Delivery(body, headers))
    return Intake(source, tuple(events), body)


def execute(url: str, *statements: str) -> None:
    """Run statements on a PostgreSQL database, each by itself (VACUUM wants that)."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def scalar(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0


def _migrate(url: str) -> None:
    ledger = Ledger(url)
    migrate.upgrade(ledger.engine)
    ledger.close()
