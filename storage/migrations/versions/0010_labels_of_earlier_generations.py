"""Labels for the generations that were there before, and an index for lists by stage.

Each statement commits by itself, and the system goes on working. A run that was cut short is repeated from the start:
every step leaves out what is done. The previous release works on this schema.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SLICE = 5_000

_FILL = sa.text("""
    WITH slice AS MATERIALIZED (
        SELECT id, customer_id, created_at, kind, model, "order" FROM generations
        WHERE id > :after ORDER BY id LIMIT :slice
    ), labelled AS (
        INSERT INTO generation_labels (generation_id, customer_id, created_at, kind, model, metadata, search)
        SELECT id, customer_id, created_at, kind, model, coalesce("order" -> 'metadata', '{}'),
               to_tsvector('english', left(coalesce("order" #>> '{inputs,prompt}', ''), 2000))
        FROM slice ON CONFLICT DO NOTHING
        RETURNING generation_id, customer_id, created_at, metadata, search
    ), found AS (
        INSERT INTO generation_terms (term, created_at, generation_id)
        SELECT term, created_at, generation_id
        FROM labelled CROSS JOIN LATERAL generation_terms_of(customer_id, search, metadata) AS term
    )
    SELECT id FROM slice ORDER BY id DESC LIMIT 1
""")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        last: UUID | None = UUID(int=0)
        while last is not None:
            last = op.get_bind().execute(_FILL, {"after": last, "slice": _SLICE}).scalar()
        # What a build that was cut short has left is there, and not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_generations_stage")
        op.create_index(
            "ix_generations_stage",
            "generations",
            ["customer_id", "stage", "created_at", "id"],
            postgresql_where=sa.text("deleted_at IS NULL"),
            postgresql_concurrently=True,
        )
        # It takes the place of this one, so that a move writes as many entries as before.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_generations_customer")


def downgrade() -> None:
    op.create_index("ix_generations_customer", "generations", ["customer_id", "created_at"])
    op.drop_index("ix_generations_stage", "generations")
