"""Does a commit survive a power failure? Asked at the start of every role, and by `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from unkey_sync.ledger import dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

DURABLE: Final = {
    "fsync": frozenset({"on"}),
    "full_page_writes": frozenset({"on"}),
    "synchronous_commit": frozenset({"on", "local", "remote_write", "remote_apply"}),
}
"""PostgreSQL settings without which an acknowledged event can be lost by a power failure."""
SQLITE_FULL: Final = 2


def find_weaknesses(engine: sa.Engine) -> dict[str, str]:
    """What weakens durability, each with its remedy; empty when commits are durable. Raises Retry."""
    with dialect.reactions(), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            found = {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in DURABLE}
            return weak_settings(found)
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    if level is not None and level >= SQLITE_FULL:
        return {}
    return {f"PRAGMA synchronous = {level}": "set it to FULL"}


def weak_settings(found: Mapping[str, str]) -> dict[str, str]:
    """What weakens durability in PostgreSQL's settings, each with its remedy."""
    return {
        f"{name} = {value}": f"ALTER SYSTEM SET {name} = on; look at ALTER ROLE, ALTER DATABASE and the URL, too"
        for name, value in found.items()
        if value not in DURABLE[name]
    }
