"""Labels by which generations are found, and what a generation tells of its life.

The previous release works on this schema: a trigger labels its generations, and every new column may be absent from its
INSERTs. No statement reads a large table while it holds a lock that stops writes. A run that was cut short is repeated.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.types import TypeEngine

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

_COLUMNS: dict[str, dict[str, TypeEngine[Any]]] = {
    "generations": {
        "updated_at": _MOMENT,
        "started_at": _MOMENT,
        "rendered_at": _MOMENT,
        "provider_seconds": sa.Float(),
        "rating": sa.SmallInteger(),
        "deleted_at": _MOMENT,
    },
    "assets": {"expires_at": _MOMENT},
}

_INDEX = "ix_assets_expires"

# Reads and writes hash a term with this function only.
_TERM = """
    CREATE FUNCTION generation_term(customer_id uuid, kind text, value text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('x' || left(md5(customer_id::text || kind || value), 16))::bit(64)::bigint
"""

# A key of metadata holds no control character, so the separator keeps key and value apart.
_TERMS = """
    CREATE FUNCTION generation_terms_of(customer_id uuid, search tsvector, metadata jsonb) RETURNS SETOF bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT generation_term(customer_id, 'word', word) FROM unnest(tsvector_to_array(search)) AS word
        UNION
        SELECT generation_term(customer_id, 'entry', entry.key || E'\\x1f' || entry.value)
        FROM jsonb_each_text(metadata) AS entry;
    END
"""

# The first 2,000 characters: a prompt may have 20,000, and each word costs a row.
_LABEL = """
    CREATE FUNCTION label_generations() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        WITH labelled AS (
            INSERT INTO generation_labels
                (generation_id, customer_id, created_at, kind, model, batch_id, retry_of, metadata, search)
            SELECT id, customer_id, created_at, kind, model,
                   ("order" ->> 'batch_id')::uuid, ("order" ->> 'retry_of')::uuid,
                   coalesce("order" -> 'metadata', '{}'),
                   to_tsvector('english', left(coalesce("order" #>> '{inputs,prompt}', ''), 2000))
            FROM inserted
            RETURNING generation_id, customer_id, created_at, metadata, search
        )
        INSERT INTO generation_terms (term, created_at, generation_id)
        SELECT term, created_at, generation_id
        FROM labelled CROSS JOIN LATERAL generation_terms_of(customer_id, search, metadata) AS term;
        RETURN NULL;
    END $$
"""

_TRIGGER = """
    CREATE TRIGGER label_generations AFTER INSERT ON generations REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION label_generations()
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for table, columns in _COLUMNS.items():
            for name, kind in columns.items():
                op.add_column(table, sa.Column(name, kind, nullable=True), if_not_exists=True)
        # A build that was cut short leaves an index that is not valid.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")
        op.create_index(
            _INDEX,
            "assets",
            ["expires_at"],
            postgresql_where=sa.text("expired_at IS NULL AND expires_at IS NOT NULL AND role = 'result'"),
            postgresql_concurrently=True,
        )
    _create_tables()
    for statement in (_TERM, _TERMS, _LABEL, _TRIGGER):
        op.execute(statement)


def _create_tables() -> None:
    op.create_table(
        "generation_labels",
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("retry_of", sa.Uuid(), nullable=True),
        sa.Column("metadata", JSONB(), nullable=False),
        sa.Column("search", TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"]),
        sa.PrimaryKeyConstraint("generation_id"),
    )
    op.create_table(
        "generation_terms",
        sa.Column("term", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("term", "created_at", "generation_id"),
    )
    in_time = ["created_at", "generation_id"]
    op.create_index("ix_generation_labels_created", "generation_labels", in_time)
    op.create_index("ix_generation_labels_customer", "generation_labels", ["customer_id", *in_time])
    op.create_index("ix_generation_labels_kind", "generation_labels", ["customer_id", "kind", *in_time])
    op.create_index("ix_generation_labels_model", "generation_labels", ["customer_id", "model", *in_time])
    op.create_index(
        "ix_generation_labels_batch",
        "generation_labels",
        ["batch_id", *in_time],
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index(
        "ix_generation_labels_retry",
        "generation_labels",
        ["retry_of"],
        postgresql_where=sa.text("retry_of IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER label_generations ON generations")
    op.execute("DROP FUNCTION label_generations()")
    op.execute("DROP FUNCTION generation_terms_of(uuid, tsvector, jsonb)")
    op.execute("DROP FUNCTION generation_term(uuid, text, text)")
    op.drop_table("generation_terms")
    op.drop_table("generation_labels")
    op.drop_index(_INDEX, "assets")
    for table, columns in _COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)
