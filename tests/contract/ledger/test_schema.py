"""The migrations make exactly the schema that the code believes in, on every database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from unkey_sync.errors import Stop
from unkey_sync.ledger import dialect, migrate, revision
from unkey_sync.ledger.dialect import create_engine
from unkey_sync.ledger.store import Ledger
from unkey_sync.ledger.tables import metadata

from tests import servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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


def test_what_older_code_writes_about_keys_fits_the_new_schema_and_is_read(empty_engine: sa.Engine) -> None:
    migrate.upgrade(empty_engine)
    with empty_engine.begin() as connection:
        for row in _OLD_ROWS:
            connection.execute(sa.text(row), {"yes": True, "no": False})

    ledger = Ledger(empty_engine.url.render_as_string(hide_password=False))
    with ledger.transaction() as tx:
        observed = tx.identities.load(["org_1"])["org_1"].observed
        looks = tx.subjects.mark_looks(1, 1, 10)
    ledger.close()

    assert observed.keys is not None
    assert [(key.key_id, key.prepaid) for key in observed.keys] == [("key_1", None)]
    assert (observed.granted, observed.written_at, observed.drafts, looks) == (frozenset(), None, (), 1)


_OLD_ROWS = (
    "INSERT INTO subjects (subject, generation, done_generation, priority, fence, attempts, unclean) "
    "VALUES ('org_1', 1, 1, 0, 0, 0, 0)",
    "INSERT INTO identities (subject, external_id, identity_id, removed, observed) "
    """VALUES ('org_1', 'org_1', 'id_1', :no, '{"meta": {}, "owned": [], "ratelimits": []}')""",
    "INSERT INTO keys (key_id, subject, enabled, disabled_by_us, slot, member, generation, armed, roles, orphan) "
    "VALUES ('key_1', 'org_1', :yes, :no, 'default', '', 1, :yes, '[]', :no)",
)


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
