"""The length of a customer's video, measured when the video is uploaded.

The previous release works on this schema: its rows have no length, and it reads none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("duration_seconds", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("uploads", "duration_seconds")
