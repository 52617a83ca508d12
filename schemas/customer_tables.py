"""The tables of customers and of their API keys."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from schemas.columns import MOMENT, created_at, words
from schemas.enums import DEFAULT_SCOPES
from schemas.quotas import OnLimit


def _switch() -> Column[bool]:
    return Column(Boolean, nullable=False, server_default="false")


_IS_LISTED = "test_of IS NULL AND deleted_at IS NULL"


class Customer(SQLModel, table=True):
    """A customer, who orders and pays."""

    __tablename__: ClassVar[str] = "customers"
    __table_args__ = (
        UniqueConstraint("service_id", "reference"),
        # The pages of the lists.
        Index("ix_customers_newest", "created_at", "id", postgresql_where=text(_IS_LISTED)),
        Index("ix_customers_newest_of_service", "service_id", "created_at", "id", postgresql_where=text(_IS_LISTED)),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The customer's id."""
    name: str = Field(sa_type=Text)
    """The customer's name."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the insert."""
    stored_uploads: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    """The number of rows in `uploads`. A trigger of that table writes this column."""
    stored_bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    """The bytes of these uploads together. The same trigger writes this column."""
    service_id: UUID | None = Field(default=None, foreign_key="services.id")
    """The service that acts for this customer. Null for a customer of ours."""
    reference: str | None = Field(default=None, sa_type=Text)
    """The service's number or text for this customer. Null for a customer of ours."""
    test_of: UUID | None = Field(default=None, foreign_key="customers.id", unique=True)
    """The customer whose test keys act for this one. Null for a live customer."""
    deleted_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of deletion. Such a customer has no keys and orders nothing."""
    erased_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time at which no content of the deleted customer was left."""


class ApiKey(SQLModel, table=True):
    """An API key of a customer, of a service, or of the operator. Only its SHA-256 is stored."""

    __tablename__: ClassVar[str] = "api_keys"
    __table_args__ = (
        CheckConstraint("customer_id IS NULL OR service_id IS NULL", name="one_owner"),
        CheckConstraint("daily_cap >= 0", name="daily_cap_is_an_amount"),
        CheckConstraint("in_flight >= 0 AND per_day >= 0", name="limits_are_amounts"),
        Index("ix_api_keys_waiting", "id", postgresql_where=text("on_limit = 'wait'")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The key's id."""
    customer_id: UUID | None = Field(default=None, foreign_key="customers.id", index=True)
    """The customer who owns the key. Null for a key of a service or of the operator."""
    service_id: UUID | None = Field(default=None, foreign_key="services.id", index=True)
    """The service that owns the key. A key without both owners is the operator's."""
    prefix: str = Field(sa_type=Text, description="the key's first characters, to tell keys apart")
    key_hash: str = Field(sa_type=Text, unique=True)
    """SHA-256 of the key."""
    name: str | None = Field(default=None, sa_type=Text)
    """The use of the key, for people."""
    scopes: list[str] = Field(
        default=list(DEFAULT_SCOPES),
        sa_column=Column(ARRAY(Text), nullable=False, server_default="{generate,read}"),
        description="`schemas.enums.Scope`",
    )
    is_test: bool = Field(default=False, sa_column=_switch())
    """Whether the key acts for test customers."""
    makes_customers: bool = Field(default=False, sa_column=_switch())
    """Whether a service's key makes a customer at the first use of an unknown reference."""
    daily_cap: int | None = Field(default=None, sa_type=BigInteger)
    """The credits that the key may spend on one day, in UTC. Null: no cap."""
    in_flight: int | None = None
    """The most generations of the key at the same time (`schemas.quotas.Quota`). Null: no limit."""
    per_day: int | None = None
    """The most generations of the key on one day, in UTC. Null: no limit."""
    on_limit: OnLimit = Field(
        default=OnLimit.REJECT,
        sa_column=Column(words(OnLimit, is_closed=False), nullable=False, server_default=OnLimit.REJECT.value),
    )
    """What happens to an order over a limit or the cap."""
    spends_as: UUID | None = None
    """The key under whose id `key_spending` counts: keys of one rotation share one cap. Null: this key."""
    expires_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The end of the key. Null: never."""
    replaced_by: UUID | None = None
    """The key that a rotation made in place of this one."""
    last_used_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """A time within about a minute of the last use."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the insert."""
    revoked_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of revocation. Null for a valid key."""
