"""Fixtures that every tier may use. Unit tests need none of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger

from tests import servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

settings.register_profile("default", deadline=None, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=20_000, print_blob=True)
PROFILE = os.environ.get("UNKEY_SYNC_TEST_PROFILE", "default")
settings.load_profile(PROFILE)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of an empty PostgreSQL database of this session's own."""
    admin_url = servers.postgresql_admin_url()
    if admin_url is None:
        servers.unavailable("PostgreSQL")
    assert admin_url is not None
    database = servers.Database(admin_url)
    yield database.url
    database.drop()
    servers.stop_started()


@pytest.fixture(scope="session")
def redis_broker() -> Iterator[str]:
    """URL of a Redis database that tests may flush."""
    url = servers.redis_url()
    if url is None:
        servers.unavailable("Redis")
    assert url is not None
    yield url
    servers.stop_started()


@pytest.fixture(scope="session")
def _postgresql_ledger(postgresql: str) -> Iterator[Ledger]:
    ledger = Ledger(postgresql)
    migrate.upgrade(ledger.engine)
    yield ledger
    ledger.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty, migrated ledger; each test that asks for it runs on both databases."""
    if request.param == "sqlite":
        found = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
        migrate.upgrade(found.engine)
        yield found
        found.close()
        return
    found = request.getfixturevalue("_postgresql_ledger")
    empty(found)
    yield found


def empty(ledger: Ledger) -> None:
    """Remove every row."""
    from unkey_sync.ledger.tables import metadata  # noqa: PLC0415

    with ledger.engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
