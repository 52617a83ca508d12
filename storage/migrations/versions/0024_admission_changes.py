"""The operator's changes of limits and pauses, and the times of changes of limits.

The previous release works on this schema: it knows nothing of the new table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_TIMES = ("limits_at", "counted_at")


def upgrade() -> None:
    op.create_table(
        "admission_changes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("before", JSONB),
        sa.Column("after", JSONB),
        if_not_exists=True,
    )
    op.create_index("ix_admission_changes_newest", "admission_changes", ["created_at", "id"], if_not_exists=True)
    for name in _TIMES:
        op.add_column("admission_accounts", sa.Column(name, _MOMENT), if_not_exists=True)


def downgrade() -> None:
    for name in _TIMES:
        op.drop_column("admission_accounts", name)
    op.drop_table("admission_changes")
