"""An index for the usual times of test and of live generations.

A row enters the index once, when the generation is completed. The previous release works on this schema: its estimates
read more rows while it still runs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NEW, _OLD = "ix_generations_usual", "ix_generations_completed"
_COMPLETED = sa.text("stage = 'completed'")


def upgrade() -> None:
    # Concurrently: the system goes on working while the index is built.
    with op.get_context().autocommit_block():
        # A build that was cut short leaves an index that is not valid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_NEW}")
        op.create_index(
            _NEW,
            "generations",
            ["model", sa.text("starts_with(provider, 'test_')"), "finished_at"],
            postgresql_where=_COMPLETED,
            postgresql_concurrently=True,
        )
        # The new index takes its place, so a completion writes as many entries as before.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_OLD}")


def downgrade() -> None:
    op.create_index(_OLD, "generations", ["model", "finished_at"], postgresql_where=_COMPLETED)
    op.drop_index(_NEW, "generations")
