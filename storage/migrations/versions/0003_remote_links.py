"""Where a vendor said to ask for the work that it accepted.

The previous release works on this schema: the new column may be absent from its INSERTs.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("generations", sa.Column("remote_links", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("generations", "remote_links")
