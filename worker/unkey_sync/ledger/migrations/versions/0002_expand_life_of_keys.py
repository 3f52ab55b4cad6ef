"""Expand: credits that were bought."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("keys", sa.Column("prepaid", sa.BigInteger(), nullable=True))
