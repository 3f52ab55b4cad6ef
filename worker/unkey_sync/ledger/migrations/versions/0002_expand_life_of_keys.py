"""Expand: credits that were bought, looking at what others changed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("keys", sa.Column("prepaid", sa.BigInteger(), nullable=True))
    op.add_column("subjects", sa.Column("look", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("identities", sa.Column("looked_at", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index(
        "ix_identities_looked",
        "identities",
        ["looked_at"],
        unique=False,
        postgresql_where=sa.text("identity_id IS NOT NULL"),
        sqlite_where=sa.text("identity_id IS NOT NULL"),
    )
    op.create_table(
        "edits",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_edits_at", "edits", ["at"], unique=False)
    op.create_index("ix_edits_subject", "edits", ["subject", "id"], unique=False)
