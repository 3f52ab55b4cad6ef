"""Expand: the users of a directory are found by it, for the day on which it is deleted.

A partial index: facts of sources without directories are not in it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_OF_DIRECTORIES = sa.text("owner_kind = 'directory'")


def upgrade() -> None:
    op.create_index(
        "ix_facts_directory",
        "facts",
        ["source", "owner_id"],
        unique=False,
        postgresql_where=_OF_DIRECTORIES,
        sqlite_where=_OF_DIRECTORIES,
    )


def downgrade() -> None:
    op.drop_index(
        "ix_facts_directory",
        table_name="facts",
        postgresql_where=_OF_DIRECTORIES,
        sqlite_where=_OF_DIRECTORIES,
    )
