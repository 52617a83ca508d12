"""Runs that were given up while their server was silent, and that are to be stopped when it answers again.

The previous release works on this schema: it does not know the table, and stops no such run. Its workers discard the
wake-ups of this table beside a newer waker (`message_discarded`), and each comes again after ten seconds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "runs_to_stop",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wake_at", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "remote_id"),
        if_not_exists=True,
    )
    op.create_index("ix_runs_to_stop_due", "runs_to_stop", ["wake_at"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("runs_to_stop")
