"""The ledger: reachable, schema as this program wants it, and durable when it says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from unkey_sync.doctor.report import Finding, Level, fine
from unkey_sync.errors import ConfigError, Retry, Stop
from unkey_sync.ledger import dialect, revision
from unkey_sync.ledger.durability import find_weaknesses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.doctor.report import Patient


def check_database(patient: Patient) -> Iterator[Finding]:
    """An acknowledged event must survive anything: that is what the ledger is for."""
    url = patient.loaded.settings.database_url.get_secret_value()
    if is_new_file(url):
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
        revision.require_head(engine)
    except Stop as error:
        yield Finding(Level.ERROR, str(error), "unkey-sync db upgrade")
    else:
        yield from fine(f"{engine.dialect.name}: schema is up to date")


def _check_durability(engine: sa.Engine) -> Iterator[Finding]:
    weak = find_weaknesses(engine)
    for name, remedy in weak.items():
        yield Finding(Level.ERROR, f"{name}: an acknowledged event can be lost by a power failure", remedy)
    if not weak:
        yield from fine("commits are durable")


def is_new_file(url: str) -> bool:
    """Connecting would make the file; looking must not."""
    parsed = sa.make_url(url)
    name = parsed.database
    return parsed.get_backend_name() == "sqlite" and name is not None and not Path(name).exists()
