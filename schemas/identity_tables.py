"""The tables of services and of the daily use of limits. Customers and keys are in `schemas.customer_tables`."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, Text
from sqlmodel import Field, SQLModel

from schemas.columns import created_at


class Service(SQLModel, table=True):
    """A service that orders for many customers under its own numbers."""

    __tablename__: ClassVar[str] = "services"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The service's id."""
    name: str = Field(sa_type=Text, unique=True)
    """The service's name."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the insert."""


class KeySpending(SQLModel, table=True):
    """What the orders of one day have used of the limits of a key, or of a customer."""

    __tablename__: ClassVar[str] = "key_spending"
    __table_args__ = (
        CheckConstraint("credits >= 0", name="spends_no_less_than_nothing"),
        Index("ix_key_spending_day", "day"),
    )

    key_id: UUID = Field(primary_key=True)
    """The key: `ApiKey.spends_as`, or its id. Or the customer."""
    day: date = Field(sa_column=Column(Date, primary_key=True))
    """The day of the orders, in UTC."""
    credits: int = Field(sa_type=BigInteger)
    """Holds of the day, less their releases."""
    orders: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    """The generations of the day, of a holder with limits other than a cap."""
