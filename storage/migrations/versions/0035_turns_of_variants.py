"""When a variant was last claimed: customers take turns by it.

The previous release works on this schema: its claims leave the column null, so its customers count as not served yet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_NEW, _OLD = "ix_variants_served", "ix_variants_customer"


def upgrade() -> None:
    op.add_column("variants", sa.Column("claimed_at", sa.DateTime(timezone=True)), if_not_exists=True)
    with op.get_context().autocommit_block():
        # A migration that was interrupted leaves an index that is not valid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_NEW}")
        op.create_index(_NEW, "variants", ["customer_id", "claimed_at"], postgresql_concurrently=True)
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_OLD}")


def downgrade() -> None:
    op.create_index(_OLD, "variants", ["customer_id"], if_not_exists=True)
    op.drop_index(_NEW, "variants")
    op.drop_column("variants", "claimed_at")
