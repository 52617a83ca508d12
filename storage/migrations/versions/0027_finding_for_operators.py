"""Indexes by which operators find a generation: the order's reference, the vendor's id in a callback, the error.

A failure enters its index once, at its end, and other moves do not touch it. The previous release works on this schema:
a trigger labels its generations. A run that was cut short is repeated: every step leaves out what is done.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_generation_labels_reference", "generation_labels", ["reference", "created_at"], "reference IS NOT NULL"),
    ("ix_callback_receipts_remote", "callback_receipts", ["remote_id"], "remote_id IS NOT NULL"),
    ("ix_generations_failed", "generations", ["error_code", "finished_at"], "error_code IS NOT NULL"),
)

# As 0009 has it, with the reference.
_LABEL = """
    CREATE OR REPLACE FUNCTION label_generations() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        WITH labelled AS (
            INSERT INTO generation_labels
                (generation_id, customer_id, created_at, kind, model, batch_id, retry_of{column}, metadata, search)
            SELECT id, customer_id, created_at, kind, model,
                   ("order" ->> 'batch_id')::uuid, ("order" ->> 'retry_of')::uuid{value},
                   coalesce("order" -> 'metadata', '{{}}'),
                   to_tsvector('english', left(coalesce("order" #>> '{{inputs,prompt}}', ''), 2000))
            FROM inserted
            RETURNING generation_id, customer_id, created_at, metadata, search
        )
        INSERT INTO generation_terms (term, created_at, generation_id)
        SELECT term, created_at, generation_id
        FROM labelled CROSS JOIN LATERAL generation_terms_of(customer_id, search, metadata) AS term;
        RETURN NULL;
    END $$
"""

_SLICE = 5_000

_FILL = sa.text("""
    WITH slice AS MATERIALIZED (
        SELECT id, "order" ->> 'reference' AS reference FROM generations WHERE id > :after ORDER BY id LIMIT :slice
    ), filled AS (
        UPDATE generation_labels l SET reference = slice.reference FROM slice
        WHERE l.generation_id = slice.id AND slice.reference IS NOT NULL AND l.reference IS NULL
    )
    SELECT id FROM slice ORDER BY id DESC LIMIT 1
""")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.add_column("generation_labels", sa.Column("reference", sa.Text(), nullable=True), if_not_exists=True)
        # Before the rows are filled, so that no order falls between.
        op.execute(_LABEL.format(column=", reference", value=", \"order\" ->> 'reference'"))
        last: UUID | None = UUID(int=0)
        while last is not None:
            last = op.get_bind().execute(_FILL, {"after": last, "slice": _SLICE}).scalar()
        for name, table, columns, where in _INDEXES:
            # A build that was cut short leaves an index that is not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.create_index(name, table, columns, postgresql_where=sa.text(where), postgresql_concurrently=True)


def downgrade() -> None:
    op.execute(_LABEL.format(column="", value=""))
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table)
    op.drop_column("generation_labels", "reference")
