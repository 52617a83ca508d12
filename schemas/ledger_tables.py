"""The tables of the double-entry ledger. The database enforces that no balance of a customer goes below zero."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

import schemas.tables  # noqa: F401 -- the tables that foreign keys name
from schemas.columns import created_at, words
from schemas.enums import AccountKind, TransferKind


class LedgerAccount(SQLModel, table=True):
    """One side of transfers.

    A customer's accounts have a running balance that cannot go below zero. The other accounts exist once. They have no
    balance column, because every customer would wait for the same row; their balance is the sum of their transfers.
    """

    __tablename__: ClassVar[str] = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("customer_id", "kind", postgresql_nulls_not_distinct=True),
        CheckConstraint("balance >= 0", name="never_below_zero"),
        CheckConstraint(
            "(kind IN ('available', 'held')) = (customer_id IS NOT NULL AND balance IS NOT NULL)",
            name="customers_have_balances",
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    """The account's id."""
    customer_id: UUID | None = Field(default=None, foreign_key="customers.id")
    """The customer. Null for an account that exists once."""
    kind: AccountKind = Field(sa_type=words(AccountKind))
    """The kind of account."""
    balance: int | None = Field(default=None, sa_type=BigInteger)
    """The running balance. Null for an account that exists once."""


class LedgerTransfer(SQLModel, table=True):
    """A transfer of credits between two accounts. Rows are inserted and never changed."""

    __tablename__: ClassVar[str] = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint("from_account_id <> to_account_id", name="between_two_accounts"),
        CheckConstraint(
            "kind NOT IN ('hold', 'capture', 'release') OR generation_id IS NOT NULL", name="of_a_generation"
        ),
        CheckConstraint("kind NOT IN ('grant', 'refund') OR reference IS NOT NULL", name="by_reference"),
        # One hold, one capture and one release for each generation, however often a caller tries.
        Index(
            "uq_ledger_transfers_generation_kind",
            "generation_id",
            "kind",
            unique=True,
            postgresql_where=text("kind IN ('hold', 'capture', 'release')"),
        ),
        # A hold ends once: captured or released, whichever comes first.
        Index(
            "uq_ledger_transfers_settlement",
            "generation_id",
            unique=True,
            postgresql_where=text("kind IN ('capture', 'release')"),
        ),
        UniqueConstraint("customer_id", "kind", "reference"),
        Index("ix_ledger_transfers_generation", "generation_id"),
        Index("ix_ledger_transfers_customer", "customer_id", "id"),
        Index("ix_ledger_transfers_from", "from_account_id"),
        Index("ix_ledger_transfers_to", "to_account_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    """The transfer's id."""
    kind: TransferKind = Field(sa_type=words(TransferKind))
    """The reason for the transfer."""
    customer_id: UUID = Field(foreign_key="customers.id")
    """The customer."""
    from_account_id: int = Field(sa_column=Column(BigInteger, ForeignKey("ledger_accounts.id"), nullable=False))
    """The account that gives."""
    to_account_id: int = Field(sa_column=Column(BigInteger, ForeignKey("ledger_accounts.id"), nullable=False))
    """The account that receives."""
    amount: int = Field(sa_type=BigInteger)
    """The amount, above zero."""
    generation_id: UUID | None = Field(default=None, foreign_key="generations.id")
    """The generation of a hold, capture or release."""
    reference: str | None = Field(default=None, sa_type=Text, description="makes a grant or refund happen once")
    key_id: UUID | None = Field(default=None, description="of a hold: `KeySpending.key_id` of the key that ordered it")
    is_uncounted: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))
    """Of a hold: the key had no cap, so `key_spending` has nothing of this hold."""
    reason: str | None = Field(default=None, sa_type=Text)
    """A note for people."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the transfer."""
