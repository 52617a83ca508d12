"""The videos that were made from previews.

The previous release works on this schema: it makes no previews, and no rows of this table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "continuations",
        sa.Column("preview_id", sa.Uuid(), sa.ForeignKey("generations.id"), primary_key=True),
        sa.Column("video_id", sa.Uuid(), sa.ForeignKey("generations.id"), nullable=False, unique=True),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_table("continuations")
