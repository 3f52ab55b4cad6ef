"""The migrations make exactly the schema that the code believes in, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger
from unkey_sync.ledger.tables import metadata

if TYPE_CHECKING:
    from pathlib import Path


def test_the_migrated_schema_is_the_one_in_tables(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_upgrading_twice_changes_nothing(ledger: Ledger) -> None:
    migrate.upgrade(ledger.engine)

    assert migrate.current(ledger.engine) == migrate.head()


def test_scim_rows_of_the_first_schema_survive_the_second_and_what_older_code_writes_fits(
    tmp_path: Path,
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    _upgrade_to(ledger, "0001")
    with ledger.engine.begin() as connection:
        connection.execute(_OLD_USER, {"id": "before", "version": 7})

    migrate.upgrade(ledger.engine)
    with ledger.engine.begin() as connection:
        connection.execute(_OLD_USER, {"id": "after", "version": 8})
        connection.execute(sa.text("INSERT INTO scim_members VALUES ('okta', 'g', 'before', 'User', NULL)"))

    with ledger.transaction() as tx:
        rows, stale = tx.scim.page("okta", "User", 0, 10), tx.scim.stale("okta", 10)
        members = tx.scim.members("okta", "g")
    ledger.close()
    assert [(row.id, row.version) for row in rows] == [("after", 8), ("before", 7)]
    assert stale == rows
    assert [one.display for one in members] == [None]


_OLD_USER = sa.text(
    "INSERT INTO scim_resources (id, source, kind, version, created_at, name_hash, sealed) "
    "VALUES (:id, 'okta', 'User', :version, 1, :id, x'00')"
)


def _upgrade_to(ledger: Ledger, revision: str) -> None:
    config = migrate._config()
    with ledger.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
