"""Sessions: sign-ins on the Studio page, and the record of support's views of customers.

The previous release works on this schema: it knows nothing of the tables, and the end of a key ends its sessions.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "studio_sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("token_hash", sa.Text(), nullable=False, unique=True),
        sa.Column("key_id", sa.Uuid(), sa.ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
        sa.Column("is_development", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("used_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("view_id", sa.Uuid()),
        sa.Column("viewed_id", sa.Uuid()),
        sa.Column("viewed", sa.Text()),
        sa.Column("viewed_since", _MOMENT),
        if_not_exists=True,
    )
    op.create_index("ix_studio_sessions_key", "studio_sessions", ["key_id"], if_not_exists=True)
    op.create_table(
        "studio_views",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.Column("request", sa.Text()),
        if_not_exists=True,
    )
    op.create_index("ix_studio_views_newest", "studio_views", ["created_at", "id"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("studio_views")
    op.drop_table("studio_sessions")
