"""Which schema this program wants, and which one a database has. Without Alembic: most processes never migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from unkey_sync.errors import Stop
from unkey_sync.ledger import dialect

if TYPE_CHECKING:
    from typing import Final

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")
"""Every revision there has been, oldest first: one for each migration."""
HEAD: Final = REVISIONS[-1]
_STAMPS = sa.table("alembic_version", sa.column("version_num"))


def current(engine: sa.Engine) -> str | None:
    """The revision the database is at; None when it is empty."""
    with dialect.reactions(), engine.connect() as connection:
        if not sa.inspect(connection).has_table(_STAMPS.name):
            return None
        stamp: str | None = connection.scalar(sa.select(_STAMPS.c.version_num))
        return stamp


def require_head(engine: sa.Engine) -> None:
    """Raise Stop with the remedy when the schema is not this code's."""
    found = current(engine)
    if found == HEAD:
        return
    if found is not None and found not in REVISIONS:
        raise Stop(f"the database schema ({found}) is newer than this program ({HEAD}); upgrade the program")
    state = f"at {found}" if found else "empty"
    raise Stop(f"the database is {state} and should be at {HEAD}; run: unkey-sync db upgrade")
