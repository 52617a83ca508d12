"""Indexes by which a sweep finds ended shares and the spending of past days.

The previous release works on this schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SHARES, _SPENDING = "ix_shares_ended", "ix_key_spending_day"


def upgrade() -> None:
    # Concurrently: the system goes on working while the indexes are built.
    with op.get_context().autocommit_block():
        for name in (_SHARES, _SPENDING):
            # A build that was cut short leaves an index that is not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.create_index(_SHARES, "shares", [sa.text("least(expires_at, revoked_at)")], postgresql_concurrently=True)
        op.create_index(_SPENDING, "key_spending", ["day"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(_SPENDING, "key_spending")
    op.drop_index(_SHARES, "shares")
