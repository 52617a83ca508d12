"""The first schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_index(op.f("ix_api_keys_customer_id"), "api_keys", ["customer_id"], unique=False)
    op.create_table(
        "generations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("image", "video", name="kind", native_enum=False, create_constraint=True, length=64),
            nullable=False,
        ),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("order", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "queued",
                "submitting",
                "generating",
                "downloading",
                "storing",
                "settling",
                "completed",
                "failed",
                "cancelled",
                name="stage",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("callback_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider", sa.Enum("kie", name="providername", native_enum=False, length=64), nullable=False),
        sa.Column("route_index", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("result_urls", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("download", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("provider_credits", sa.Numeric(), nullable=True),
        sa.Column(
            "error_code",
            sa.Enum(
                "timeout",
                "provider_unavailable",
                "provider_rejected",
                "provider_failed",
                "provider_auth_failed",
                "provider_quota_exceeded",
                "provider_bad_response",
                "content_rejected",
                "input_unreadable",
                "submit_outcome_unknown",
                "download_failed",
                "result_invalid",
                "internal",
                name="errorcode",
                native_enum=False,
                length=64,
            ),
            nullable=True,
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(stage = 'failed') = (error_code IS NOT NULL)", name="failed_has_error"),
        sa.CheckConstraint(
            "(stage IN ('completed', 'failed', 'cancelled')) = (wake_at IS NULL)", name="wake_at_until_terminal"
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress_is_percent"),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "idempotency_key"),
        sa.UniqueConstraint("object_key"),
    )
    op.create_index("ix_generations_customer", "generations", ["customer_id", "created_at"], unique=False)
    op.create_index(
        "ix_generations_due", "generations", ["wake_at"], unique=False, postgresql_where=sa.text("wake_at IS NOT NULL")
    )
    op.create_index(
        "ix_generations_remote",
        "generations",
        ["provider", "remote_id"],
        unique=False,
        postgresql_where=sa.text("remote_id IS NOT NULL"),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "available",
                "held",
                "equity",
                "revenue",
                name="accountkind",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.Column("balance", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(kind IN ('available', 'held')) = (customer_id IS NOT NULL AND balance IS NOT NULL)",
            name="customers_have_balances",
        ),
        sa.CheckConstraint("balance >= 0", name="never_below_zero"),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "kind", postgresql_nulls_not_distinct=True),
    )
    op.create_table(
        "assets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("result", "poster", name="assetrole", native_enum=False, create_constraint=True, length=64),
            nullable=False,
        ),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("frame_rate", sa.Float(), nullable=True),
        sa.Column("codec", sa.Text(), nullable=False),
        sa.Column("bit_rate", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("generation_id", "role"),
        sa.UniqueConstraint("object_key"),
    )
    op.create_index(op.f("ix_assets_customer_id"), "assets", ["customer_id"], unique=False)
    op.create_table(
        "callback_receipts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Enum("kie", name="providername", native_enum=False, length=64), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("generation_id", "body_sha256"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum(
                "queued",
                "submitting",
                "generating",
                "downloading",
                "storing",
                "settling",
                "completed",
                "failed",
                "cancelled",
                name="origin",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=True,
        ),
        sa.Column(
            "stage",
            sa.Enum(
                "queued",
                "submitting",
                "generating",
                "downloading",
                "storing",
                "settling",
                "completed",
                "failed",
                "cancelled",
                name="stage",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_events_generation", "events", ["generation_id", "id"], unique=False)
    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "grant",
                "hold",
                "capture",
                "release",
                "refund",
                name="transferkind",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("from_account_id", sa.BigInteger(), nullable=False),
        sa.Column("to_account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind NOT IN ('grant', 'refund') OR reference IS NOT NULL", name="by_reference"),
        sa.CheckConstraint(
            "kind NOT IN ('hold', 'capture', 'release') OR generation_id IS NOT NULL", name="of_a_generation"
        ),
        sa.CheckConstraint("amount > 0", name="amount_is_positive"),
        sa.CheckConstraint("from_account_id <> to_account_id", name="between_two_accounts"),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["from_account_id"],
            ["ledger_accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["to_account_id"],
            ["ledger_accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "kind", "reference"),
    )
    op.create_index("ix_ledger_transfers_from", "ledger_transfers", ["from_account_id"], unique=False)
    op.create_index("ix_ledger_transfers_generation", "ledger_transfers", ["generation_id"], unique=False)
    op.create_index("ix_ledger_transfers_to", "ledger_transfers", ["to_account_id"], unique=False)
    op.create_index(
        "uq_ledger_transfers_generation_kind",
        "ledger_transfers",
        ["generation_id", "kind"],
        unique=True,
        postgresql_where=sa.text("kind IN ('hold', 'capture', 'release')"),
    )
    # The two accounts that exist once; customers get theirs when they are created.
    op.execute("INSERT INTO ledger_accounts (kind) VALUES ('equity'), ('revenue')")


def downgrade() -> None:
    op.drop_index(
        "uq_ledger_transfers_generation_kind",
        table_name="ledger_transfers",
        postgresql_where=sa.text("kind IN ('hold', 'capture', 'release')"),
    )
    op.drop_index("ix_ledger_transfers_to", table_name="ledger_transfers")
    op.drop_index("ix_ledger_transfers_generation", table_name="ledger_transfers")
    op.drop_index("ix_ledger_transfers_from", table_name="ledger_transfers")
    op.drop_table("ledger_transfers")
    op.drop_index("ix_events_generation", table_name="events")
    op.drop_table("events")
    op.drop_table("callback_receipts")
    op.drop_index(op.f("ix_assets_customer_id"), table_name="assets")
    op.drop_table("assets")
    op.drop_table("ledger_accounts")
    op.drop_index("ix_generations_remote", table_name="generations", postgresql_where=sa.text("remote_id IS NOT NULL"))
    op.drop_index("ix_generations_due", table_name="generations", postgresql_where=sa.text("wake_at IS NOT NULL"))
    op.drop_index("ix_generations_customer", table_name="generations")
    op.drop_table("generations")
    op.drop_index(op.f("ix_api_keys_customer_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("customers")
