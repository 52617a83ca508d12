"""Drains, the reports of processes, and the keys with which they sign.

The previous release works on this schema: its workers report nothing and hear of no drain.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "drains",
        sa.Column("target", sa.Text(), primary_key=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "worker_processes",
        sa.Column("node", sa.Text(), primary_key=True),
        sa.Column("pid", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("started_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("seen_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("in_hand", sa.Integer(), nullable=False),
        sa.Column("drained_at", _MOMENT),
        if_not_exists=True,
    )
    op.create_table(
        "secret_keys",
        sa.Column("fingerprint", sa.Text(), primary_key=True),
        sa.Column("first_signed_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("last_signed_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_table("secret_keys")
    op.drop_table("worker_processes")
    op.drop_table("drains")
