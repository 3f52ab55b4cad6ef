"""A sandbox, a database, a Redis and a deployment of each test module's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import servers
from tests.e2e.deployment import Deployment
from tests.e2e.senders import Writer
from tests.e2e.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(__file__).removesuffix("conftest.py")
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployment")


@pytest.fixture(scope="module")
def upstream(folder: Path) -> Iterator[Upstream]:
    found = Upstream(folder)
    yield found
    found.close()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    admin_url = servers.postgresql_admin_url()
    if admin_url is None:
        servers.unavailable("PostgreSQL")
    assert admin_url is not None
    made = servers.Database(admin_url)
    yield made.url
    made.drop()


@pytest.fixture(scope="module")
def redis_server() -> Iterator[servers.RedisServer]:
    """A private one, as tests here flush, freeze and kill it."""
    server = servers.RedisServer()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def deployment(
    folder: Path, database: str, redis_server: servers.RedisServer, upstream: Upstream
) -> Iterator[Deployment]:
    """Nothing runs yet."""
    made = Deployment(folder, database, redis_server.url, upstream)
    yield made
    made.close()


@pytest.fixture(scope="module")
def write() -> Writer:
    return Writer()
