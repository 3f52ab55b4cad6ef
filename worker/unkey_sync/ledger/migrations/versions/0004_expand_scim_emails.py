"""Expand: SCIM users are found by e-mail address, members keep their display name beside them.

The hashes need a key that is sealed in the ledger, so they are not made here. A user whose `indexed_version` is not
its `version` (an older row, or one that older code has written meanwhile) is indexed at the next look-up.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_STALE = sa.text("kind = 'User' AND indexed_version <> version")


def upgrade() -> None:
    op.add_column(
        "scim_resources",
        sa.Column("indexed_version", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_index(
        "ix_scim_resources_stale",
        "scim_resources",
        ["source", "id"],
        unique=False,
        postgresql_where=_STALE,
        sqlite_where=_STALE,
    )
    op.create_table(
        "scim_emails",
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "hash"),
    )
    op.create_index("ix_scim_emails_hash", "scim_emails", ["hash"], unique=False)
    op.add_column("scim_members", sa.Column("display", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("scim_members", "display")
    op.drop_index("ix_scim_emails_hash", table_name="scim_emails")
    op.drop_table("scim_emails")
    op.drop_index(
        "ix_scim_resources_stale",
        table_name="scim_resources",
        postgresql_where=_STALE,
        sqlite_where=_STALE,
    )
    op.drop_column("scim_resources", "indexed_version")
