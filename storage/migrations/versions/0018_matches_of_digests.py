"""Matches of digests: a request that found an earlier order leaves its time, and its message, with the order.

The previous release works on this schema: its inserts leave the new columns at their defaults.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_digests", sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True))
    keys: sa.Column[list[str]] = sa.Column(
        "message_keys", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
    )
    op.add_column("order_digests", keys)


def downgrade() -> None:
    op.drop_column("order_digests", "message_keys")
    op.drop_column("order_digests", "matched_at")
