"""The migrations make exactly the schema that the code believes in, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from unkey_sync.ledger import dialect, migrate
from unkey_sync.ledger.tables import metadata

from tests import servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unkey_sync.ledger.store import Ledger


def test_the_migrated_schema_is_the_one_in_tables(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database without a schema."""
    if request.param == "sqlite":
        engine = dialect.create_engine(f"sqlite:///{tmp_path / 'old.sqlite3'}")
        yield engine
        engine.dispose()
        return
    admin_url = servers.postgresql_admin_url()
    if admin_url is None:
        servers.unavailable("PostgreSQL")
    assert admin_url is not None
    database = servers.Database(admin_url)
    engine = dialect.create_engine(database.url)
    yield engine
    engine.dispose()
    database.drop()


def test_subjects_closed_before_the_standing_check_existed_are_looked_at(empty_engine: sa.Engine) -> None:
    with empty_engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        row = "INSERT INTO subjects VALUES (:name, 1, 1, NULL, 0, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, :desired, :no)"
        for name, desired in (("org_1", '{"access": "removed"}'), ("org_2", None)):
            connection.execute(sa.text(row), {"name": name, "desired": desired, "no": False})

    migrate.upgrade(empty_engine)

    with empty_engine.begin() as connection:
        found = connection.execute(sa.text("SELECT subject, access FROM subjects ORDER BY subject")).all()
    assert [tuple(one) for one in found] == [("org_1", "removed"), ("org_2", None)]


def test_upgrading_twice_changes_nothing(ledger: Ledger) -> None:
    migrate.upgrade(ledger.engine)

    assert migrate.current(ledger.engine) == migrate.head()
