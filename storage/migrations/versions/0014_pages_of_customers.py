"""Indexes for the pages of customers, newest first: of one service, and of all.

The previous release works on this schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_customers_newest": ["created_at", "id"],
    "ix_customers_newest_of_service": ["service_id", "created_at", "id"],
}


def upgrade() -> None:
    # Concurrently: the system goes on working while the indexes are built.
    with op.get_context().autocommit_block():
        for name, columns in _INDEXES.items():
            # A build that was cut short leaves an index that is not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.create_index(
                name,
                "customers",
                columns,
                postgresql_where=sa.text("test_of IS NULL AND deleted_at IS NULL"),
                postgresql_concurrently=True,
            )


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "customers")
