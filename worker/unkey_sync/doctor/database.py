"""The ledger: reachable, schema as this program wants it, and durable when it says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from unkey_sync.doctor.report import Finding, Level, fine
from unkey_sync.errors import ConfigError, Retry, Stop
from unkey_sync.ledger import dialect, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unkey_sync.doctor.report import Patient

DURABLE: Final = {
    "fsync": frozenset({"on"}),
    "full_page_writes": frozenset({"on"}),
    "synchronous_commit": frozenset({"on", "local", "remote_write", "remote_apply"}),
}
"""PostgreSQL settings without which an acknowledged event can be lost by a power failure."""
SQLITE_FULL = 2


def check_database(patient: Patient) -> Iterator[Finding]:
    """An acknowledged event must survive anything: that is what the ledger is for."""
    url = patient.loaded.settings.database_url.get_secret_value()
    if _is_new_file(url):
        yield from fine("SQLite file, made at first start")
        return
    engine = dialect.create_engine(url, pool_size=1)
    try:
        yield from _check_schema(engine)
        yield from _check_durability(engine)
    except (Retry, ConfigError) as error:
        yield Finding(
            Level.ERROR, f"not reachable: {error}", "start the server, or correct UNKEY_SYNC_DATABASE_URL"
        )
    finally:
        engine.dispose()


def _check_schema(engine: sa.Engine) -> Iterator[Finding]:
    try:
        migrate.require_head(engine)
    except Stop as error:
        yield Finding(Level.ERROR, str(error), "unkey-sync db upgrade")
    else:
        yield from fine(f"{engine.dialect.name}: schema is up to date")


def _check_durability(engine: sa.Engine) -> Iterator[Finding]:
    with dialect.reactions(), engine.connect() as connection:
        weak = (
            _weak_postgresql(connection) if engine.dialect.name == "postgresql" else _weak_sqlite(connection)
        )
    for name, remedy in weak.items():
        yield Finding(Level.ERROR, f"{name}: an acknowledged event can be lost by a power failure", remedy)
    if not weak:
        yield from fine("commits are durable")


def _weak_postgresql(connection: sa.Connection) -> dict[str, str]:
    return weak_settings({name: str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in DURABLE})


def weak_settings(found: Mapping[str, str]) -> dict[str, str]:
    """What weakens durability in PostgreSQL's settings, each with its remedy."""
    return {
        f"{name} = {value}": f"ALTER SYSTEM SET {name} = on; look at ALTER ROLE, ALTER DATABASE and the URL, too"
        for name, value in found.items()
        if value not in DURABLE[name]
    }


def _weak_sqlite(connection: sa.Connection) -> dict[str, str]:
    level = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    return (
        {}
        if level is not None and level >= SQLITE_FULL
        else {f"PRAGMA synchronous = {level}": "set it to FULL"}
    )


def _is_new_file(url: str) -> bool:
    """Connecting would make the file; looking must not."""
    parsed = sa.make_url(url)
    name = parsed.database
    return parsed.get_backend_name() == "sqlite" and name is not None and not Path(name).exists()
