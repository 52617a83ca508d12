"""The tables of downloads and shares. A move of a generation rewrites none of their rows."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from schemas.columns import MOMENT, created_at


class GenerationDownloads(SQLModel, table=True):
    """How often a result was downloaded. A result without a row was never downloaded."""

    __tablename__: ClassVar[str] = "generation_downloads"

    generation_id: UUID = Field(primary_key=True, foreign_key="generations.id")
    """The generation."""
    downloads: int = Field(sa_type=BigInteger)
    """The downloads so far."""


class Share(SQLModel, table=True):
    """A link by which everybody may see a result."""

    __tablename__: ClassVar[str] = "shares"
    __table_args__ = (
        Index("ix_shares_generation", "generation_id", "created_at"),
        Index("ix_shares_ended", text("least(expires_at, revoked_at)")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The share's id."""
    generation_id: UUID = Field(foreign_key="generations.id")
    """The shared generation."""
    customer_id: UUID = Field(foreign_key="customers.id")
    """The generation's customer."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the insert."""
    expires_at: datetime = Field(sa_type=MOMENT)
    """The end of the link."""
    revoked_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time when the customer ended the link."""
    views: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """How often the page was opened."""
