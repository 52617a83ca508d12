"""Holds that no cap counts.

A key can get a cap, or lose it, while its holds are open. The holds of the previous release count as before: their
releases give back to the cap of their key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger_transfers", sa.Column("is_uncounted", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    op.drop_column("ledger_transfers", "is_uncounted")
