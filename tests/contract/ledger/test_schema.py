"""The migrations make exactly the schema that the code believes in, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from unkey_sync.ledger import migrate
from unkey_sync.ledger.tables import metadata

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger


def test_the_migrated_schema_is_the_one_in_tables(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_upgrading_twice_changes_nothing(ledger: Ledger) -> None:
    migrate.upgrade(ledger.engine)

    assert migrate.current(ledger.engine) == migrate.head()
