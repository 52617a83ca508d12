"""Runs that a server of one's own lost, and since when such a server is silent.

The previous release works on this schema: it runs nothing again, and leaves both columns as they are.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "generations", sa.Column("lost_runs", JSONB(), nullable=False, server_default="[]"), if_not_exists=True
    )
    op.add_column("generations", sa.Column("silent_since", sa.DateTime(timezone=True)), if_not_exists=True)


def downgrade() -> None:
    op.drop_column("generations", "silent_since")
    op.drop_column("generations", "lost_runs")
