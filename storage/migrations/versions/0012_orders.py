"""Indexes for the usual time of a model, and for a customer's transfers.

A row enters the first index once, when the generation is completed. The previous release works on this schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MODELS = "ix_generations_completed"
_TRANSFERS = "ix_ledger_transfers_customer"


def upgrade() -> None:
    # Concurrently: the system goes on working while the indexes are built.
    with op.get_context().autocommit_block():
        for name in (_MODELS, _TRANSFERS):
            # A build that was cut short leaves an index that is not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.create_index(
            _MODELS,
            "generations",
            ["model", "finished_at"],
            postgresql_where=sa.text("stage = 'completed'"),
            postgresql_concurrently=True,
        )
        op.create_index(_TRANSFERS, "ledger_transfers", ["customer_id", "id"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(_TRANSFERS, "ledger_transfers")
    op.drop_index(_MODELS, "generations")
