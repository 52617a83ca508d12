"""Cancelling, a timeline of named events, one settlement a generation, and files that expire.

The previous release works on this schema: every new column may be absent from its INSERTs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_INDEXES = (
    ("ix_generations_finished", "generations", "finished_at", False, "finished_at IS NOT NULL"),
    (
        "ix_generations_keyed",
        "generations",
        "finished_at",
        False,
        "finished_at IS NOT NULL AND idempotency_key IS NOT NULL",
    ),
    ("ix_assets_kept", "assets", "created_at", False, "expired_at IS NULL AND role = 'result'"),
    (
        "uq_ledger_transfers_settlement",
        "ledger_transfers",
        "generation_id",
        True,
        "kind IN ('capture', 'release')",
    ),
)


def upgrade() -> None:
    op.add_column("generations", sa.Column("holder", sa.Text(), nullable=True), if_not_exists=True)
    op.add_column(
        "generations", sa.Column("crashes", sa.Integer(), server_default="0", nullable=False), if_not_exists=True
    )
    op.add_column("generations", sa.Column("submission", sa.Uuid(), nullable=True), if_not_exists=True)
    op.add_column(
        "generations", sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True), if_not_exists=True
    )
    op.add_column(
        "generations", sa.Column("cancel_sent_at", sa.DateTime(timezone=True), nullable=True), if_not_exists=True
    )
    op.add_column(
        "events", sa.Column("name", sa.String(64), server_default="moved", nullable=False), if_not_exists=True
    )
    op.add_column("assets", sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True), if_not_exists=True)
    # Concurrently: the system goes on working while they are built.
    with op.get_context().autocommit_block():
        for name, table, column, is_unique, condition in _INDEXES:
            # What a build that was cut short has left is there, and not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.create_index(
                name,
                table,
                [column],
                unique=is_unique,
                postgresql_where=sa.text(condition),
                postgresql_concurrently=True,
            )


def downgrade() -> None:
    op.drop_index("uq_ledger_transfers_settlement", "ledger_transfers")
    op.drop_index("ix_assets_kept", "assets")
    op.drop_index("ix_generations_keyed", "generations")
    op.drop_index("ix_generations_finished", "generations")
    op.drop_column("assets", "expired_at")
    op.drop_column("events", "name")
    for column in ("cancel_sent_at", "cancel_requested_at", "submission", "crashes", "holder"):
        op.drop_column("generations", column)
