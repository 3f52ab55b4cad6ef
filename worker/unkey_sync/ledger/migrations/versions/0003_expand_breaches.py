"""Expand: enabled keys that nobody may use, and what is needed to find them without reading every row."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_CLOSED = sa.text("access IN ('suspended', 'retained', 'removed')")
_ENABLED = sa.text("enabled")


def upgrade() -> None:
    op.create_table(
        "breaches",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("seen_in", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "seen_in"),
    )
    op.create_index("ix_breaches_seen", "breaches", ["seen_in", "seen_at"], unique=False)
    op.add_column("subjects", sa.Column("access", sa.Text(), nullable=True))
    op.execute(_fill())
    op.create_index(
        "ix_subjects_closed", "subjects", ["subject"], postgresql_where=_CLOSED, sqlite_where=_CLOSED
    )
    op.create_index("ix_keys_enabled", "keys", ["subject"], postgresql_where=_ENABLED, sqlite_where=_ENABLED)


def downgrade() -> None:
    op.drop_index("ix_keys_enabled", table_name="keys")
    op.drop_index("ix_subjects_closed", table_name="subjects")
    op.drop_column("subjects", "access")
    op.drop_index("ix_breaches_seen", table_name="breaches")
    op.drop_table("breaches")


def _fill() -> str:
    postgresql = op.get_bind().dialect.name == "postgresql"
    access = "desired::json ->> 'access'" if postgresql else "json_extract(desired, '$.access')"
    return f"UPDATE subjects SET access = {access} WHERE desired IS NOT NULL"  # noqa: S608  -- no value from outside
