"""Digests of orders, by which an order that a client sends again finds its generation.

The previous release works on this schema: it knows nothing of the new table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "order_digests",
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("is_retry", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"]),
        sa.PrimaryKeyConstraint("generation_id"),
    )
    op.create_index("ix_order_digests_value", "order_digests", ["value", "created_at"])
    op.create_index("ix_order_digests_expires", "order_digests", ["expires_at"])


def downgrade() -> None:
    op.drop_table("order_digests")
