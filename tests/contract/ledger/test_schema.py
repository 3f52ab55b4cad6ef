"""The migrations make exactly the schema that the code believes in, on every database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from unkey_sync.errors import Stop
from unkey_sync.ledger import migrate, revision
from unkey_sync.ledger.dialect import create_engine
from unkey_sync.ledger.tables import metadata

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger


def test_the_migrated_schema_is_the_one_in_tables(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_upgrading_twice_changes_nothing(ledger: Ledger) -> None:
    migrate.upgrade(ledger.engine)

    assert revision.current(ledger.engine) == revision.HEAD


def test_the_revisions_that_the_program_knows_are_those_of_its_migrations() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).with_name("migrations"))).walk_revisions()

    assert [one.revision for one in scripts] == list(reversed(revision.REVISIONS))


def test_an_empty_database_is_at_no_revision() -> None:
    assert revision.current(create_engine("sqlite://")) is None


def test_a_schema_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    newer = create_engine(f"sqlite:///{tmp_path}/ledger.sqlite3")
    migrate.upgrade(newer)
    with newer.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(Stop, match="newer than this program"):
        revision.require_head(newer)
