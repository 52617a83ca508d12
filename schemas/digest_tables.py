"""The table of digests of orders, by which a repeated order finds its generation."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Boolean, Column, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from schemas.columns import MOMENT, created_at


class OrderDigest(SQLModel, table=True):
    """The digest of an accepted order. Later requests that are the same order leave their matches."""

    __tablename__: ClassVar[str] = "order_digests"
    __table_args__ = (
        Index("ix_order_digests_value", "value", "created_at"),
        Index("ix_order_digests_expires", "expires_at"),
    )

    generation_id: UUID = Field(primary_key=True, foreign_key="generations.id")
    """The generation; of a batch its first one."""
    value: str = Field(sa_type=Text)
    """SHA-256 of the order."""
    is_retry: bool = Field(sa_column=Column(Boolean, nullable=False))
    """Whether the client had sent the order before. The row is then of the first attempt that was accepted."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the insert, under the lock of the digest."""
    expires_at: datetime = Field(sa_type=MOMENT)
    """The time after which no order looks for the row."""
    matched_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the last retry that is this order. An attempt that arrived before is this order, too."""
    message_keys: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), server_default=text("'{}'"), nullable=False)
    )
    """The keys of messages that are this order, the newest last: a message that comes again is still this order."""
