"""The table of the orders that count against limits. The limits are in `customer_limits` and `api_keys`.

`key_spending` has the sums of each day. `storage/migrations/versions/0023_quotas.py` and `0028_rest_of_admission.py`
have the functions that decide.
"""

from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, text, true
from sqlmodel import Field, SQLModel


class QuotaOrder(SQLModel, table=True):
    """An unfinished generation that counts against the limits of its customer or of its API key.

    A trigger of `generations` deletes the row at the end of the generation, and gives released credits back.
    """

    __tablename__: ClassVar[str] = "quota_orders"
    __table_args__ = (
        Index("ix_quota_orders_holder", "holder_id"),
        # The orders that have not begun.
        Index("ix_quota_orders_waiting", "holder_id", postgresql_where=text("waits AND day IS NULL")),
    )

    generation_id: UUID = Field(primary_key=True, foreign_key="generations.id")
    """The generation."""
    holder_id: UUID = Field(primary_key=True)
    """The holder of the limits: the customer, or the key under whose id orders count (`Spender.key_id`)."""
    key_id: UUID | None = None
    """The API key of the order, whose limits hold. Null: the holder is the customer."""
    credits: int = Field(sa_type=BigInteger)
    """The credits that `key_spending` counts, or will count."""
    day: date | None = None
    """The day on which the generation counts. Null: not counted, because it has not begun."""
    waits: bool = Field(default=True, sa_column=Column(Boolean, nullable=False, server_default=true()))
    """Whether the generation begins only where the limits have room. A later change of `on_limit` lets none go."""
