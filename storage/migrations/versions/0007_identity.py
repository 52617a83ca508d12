"""Services, scopes, ends and caps of keys, and test customers.

The previous release works on this schema: its keys get the scopes that every key had, and it refuses keys of services,
of the operator and of test customers.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KINDS = ("available", "held", "equity", "revenue")
_TEST_KINDS = ("test_equity", "test_revenue")

_KEY_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("service_id", sa.Uuid(), nullable=True),
    sa.Column("name", sa.Text(), nullable=True),
    sa.Column("scopes", ARRAY(sa.Text()), server_default="{generate,read}", nullable=False),
    sa.Column("is_test", sa.Boolean(), server_default="false", nullable=False),
    sa.Column("makes_customers", sa.Boolean(), server_default="false", nullable=False),
    sa.Column("daily_cap", sa.BigInteger(), nullable=True),
    sa.Column("spends_as", sa.Uuid(), nullable=True),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("replaced_by", sa.Uuid(), nullable=True),
    sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
)

_CUSTOMER_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("service_id", sa.Uuid(), nullable=True),
    sa.Column("reference", sa.Text(), nullable=True),
    sa.Column("test_of", sa.Uuid(), nullable=True),
    sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
)


def upgrade() -> None:
    op.create_table(
        "services",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "key_spending",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("credits >= 0", name="spends_no_less_than_nothing"),
        sa.PrimaryKeyConstraint("key_id", "day"),
    )
    for column in _CUSTOMER_COLUMNS:
        op.add_column("customers", column)
    op.create_foreign_key(None, "customers", "services", ["service_id"], ["id"])
    op.create_foreign_key(None, "customers", "customers", ["test_of"], ["id"])
    op.create_unique_constraint(None, "customers", ["service_id", "reference"])
    op.create_unique_constraint(None, "customers", ["test_of"])
    for column in _KEY_COLUMNS:
        op.add_column("api_keys", column)
    op.alter_column("api_keys", "customer_id", nullable=True)
    op.create_foreign_key(None, "api_keys", "services", ["service_id"], ["id"])
    op.create_index("ix_api_keys_service_id", "api_keys", ["service_id"])
    op.create_check_constraint("one_owner", "api_keys", "customer_id IS NULL OR service_id IS NULL")
    op.create_check_constraint("daily_cap_is_an_amount", "api_keys", "daily_cap >= 0")
    op.add_column("ledger_transfers", sa.Column("key_id", sa.Uuid(), nullable=True))
    _allow(*_KINDS, *_TEST_KINDS)
    op.execute("INSERT INTO ledger_accounts (kind) VALUES ('test_equity'), ('test_revenue')")


def _allow(*kinds: str) -> None:
    op.drop_constraint("accountkind", "ledger_accounts")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("accountkind", "ledger_accounts", f"kind IN ({listed})")


def downgrade() -> None:
    op.execute("DELETE FROM ledger_accounts WHERE kind IN ('test_equity', 'test_revenue')")
    _allow(*_KINDS)
    op.drop_column("ledger_transfers", "key_id")
    op.execute("DELETE FROM api_keys WHERE customer_id IS NULL")
    op.alter_column("api_keys", "customer_id", nullable=False)
    op.drop_constraint("one_owner", "api_keys")
    op.drop_constraint("daily_cap_is_an_amount", "api_keys")
    for column in _KEY_COLUMNS:
        op.drop_column("api_keys", column.name)
    for column in _CUSTOMER_COLUMNS:
        op.drop_column("customers", column.name)
    op.drop_table("key_spending")
    op.drop_table("services")
