"""Schema migrations: bring a database up to date. Loads Alembic, which weighs 8 MB; revision.py does not.

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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    yield
