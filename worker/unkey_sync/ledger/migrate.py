"""Schema migrations: bring a database up to date, or say what is wrong with it.

Migrations expand first and contract in a later release: old code runs on the new schema. Two processes that
upgrade at once wait for each other.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from unkey_sync.errors import Stop
from unkey_sync.ledger import dialect

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK = 7_316_208_331
"""PostgreSQL advisory lock that serialises upgrades."""


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema up to date. Safe to run twice, and from two places at once."""
    with dialect.reactions(), engine.begin() as connection, _alone(connection):
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current(engine: sa.Engine) -> str | None:
    """The revision the database is at; None when it is empty."""
    with dialect.reactions(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision this code wants."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # noqa: S101
    return revision


def require_head(engine: sa.Engine) -> None:
    """Raise Stop with the remedy when the schema is not this code's."""
    found, wanted = current(engine), head()
    if found == wanted:
        return
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise Stop(
            f"the database schema ({found}) is newer than this program ({wanted}); upgrade the program"
        )
    state = f"at {found}" if found else "empty"
    raise Stop(f"the database is {state} and should be at {wanted}; run: unkey-sync db upgrade")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    yield
