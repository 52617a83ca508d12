"""Variants of results, and their files.

A trigger makes the rows in the transaction that completes a generation, from the order. The previous release works on
this schema: it completes orders of this release, and the trigger makes their variants. It removes no variant, since the
files have a prefix of their own: a file whose result is gone is an orphan, which a sweep of this release removes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

_MAKE = """
    CREATE OR REPLACE FUNCTION make_variants() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO variants (generation_id, customer_id, position, name, kind, spec, wake_at)
        SELECT NEW.id, NEW.customer_id, wanted.ordinality, wanted.spec ->> 'name', wanted.spec ->> 'kind', wanted.spec,
               clock_timestamp()
        FROM jsonb_array_elements(NEW."order" -> 'variants') WITH ORDINALITY AS wanted (spec, ordinality)
        ON CONFLICT (generation_id, name) DO NOTHING;
        RETURN NULL;
    END $$
"""

_TRIGGER = """
    CREATE OR REPLACE TRIGGER make_variants AFTER UPDATE OF stage ON generations FOR EACH ROW
    WHEN (NEW.stage = 'completed' AND OLD.stage <> 'completed' AND jsonb_array_length(NEW."order" -> 'variants') > 0)
    EXECUTE FUNCTION make_variants()
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _create_tables()
    op.create_index(
        "ix_variants_due", "variants", ["wake_at"], postgresql_where=sa.text("wake_at IS NOT NULL"), if_not_exists=True
    )
    op.create_index("ix_variants_customer", "variants", ["customer_id"], if_not_exists=True)
    op.create_index("ix_variant_files_generation", "variant_files", ["generation_id"], if_not_exists=True)
    op.execute(_MAKE)
    op.execute(_TRIGGER)


def _create_tables() -> None:
    op.create_table(
        "variants",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("spec", JSONB(), nullable=False),
        sa.Column("state", sa.String(64), server_default="pending", nullable=False),
        sa.Column("wake_at", _MOMENT, nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("origin", sa.String(64), nullable=True),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("generation_id", "name"),
        sa.CheckConstraint("(state = 'pending') = (wake_at IS NOT NULL)", name="due_while_pending"),
        if_not_exists=True,
    )
    op.create_table(
        "variant_files",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(64), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("frame_rate", sa.Float(), nullable=True),
        sa.Column("codec", sa.Text(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("expired_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"]),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("object_key"),
        sa.UniqueConstraint("variant_id", "part"),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER make_variants ON generations")
    op.execute("DROP FUNCTION make_variants()")
    op.drop_table("variant_files")
    op.drop_table("variants")
