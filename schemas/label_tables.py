"""The tables by which generations are found. Their rows are written once, with the generation.

A trigger writes them (`storage/migrations/versions/0009_labels.py`), so each release writes them, an older one too.
Every move rewrites the indexes of a row of `generations`; no move touches these tables.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

from schemas.columns import MOMENT, words
from schemas.enums import Kind


class GenerationLabels(SQLModel, table=True):
    """The facts of a generation that never change and that lists filter by. Gone once the customer deletes it."""

    __tablename__: ClassVar[str] = "generation_labels"
    __table_args__ = (
        Index("ix_generation_labels_created", "created_at", "generation_id"),
        Index("ix_generation_labels_customer", "customer_id", "created_at", "generation_id"),
        Index("ix_generation_labels_kind", "customer_id", "kind", "created_at", "generation_id"),
        Index("ix_generation_labels_model", "customer_id", "model", "created_at", "generation_id"),
        Index(
            "ix_generation_labels_batch",
            "batch_id",
            "created_at",
            "generation_id",
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
        Index("ix_generation_labels_retry", "retry_of", postgresql_where=text("retry_of IS NOT NULL")),
        # For operators, across customers.
        Index(
            "ix_generation_labels_reference",
            "reference",
            "created_at",
            postgresql_where=text("reference IS NOT NULL"),
        ),
    )

    generation_id: UUID = Field(primary_key=True, foreign_key="generations.id")
    """The generation."""
    customer_id: UUID
    """The customer."""
    created_at: datetime = Field(sa_type=MOMENT)
    """The time of acceptance, as in the row of the generation."""
    kind: Kind = Field(sa_type=words(Kind, is_closed=False))
    """Image or video."""
    model: str = Field(sa_type=Text)
    """Our name of the model."""
    batch_id: UUID | None = None
    """The batch that the generation belongs to."""
    retry_of: UUID | None = None
    """The generation that this one repeats."""
    reference: str | None = Field(default=None, sa_type=Text)
    """The customer's id of the thing that the order is for."""
    entries: dict[str, str] = Field(sa_column=Column("metadata", JSONB, nullable=False))
    """The request's metadata."""
    search: str = Field(sa_type=TSVECTOR, description="the words of the prompt's beginning")


class GenerationTerm(SQLModel, table=True):
    """One word of a prompt or one entry of metadata, with the generations that have it, in the order of time.

    PostgreSQL's index for full text (GIN) has no order: the newest twenty of half a million matches cost half a million
    reads (docs/decisions/0037).
    """

    __tablename__: ClassVar[str] = "generation_terms"

    term: int = Field(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False),
        description="a hash of the customer and the word or entry: see the function `generation_term`",
    )
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    """The time of acceptance."""
    generation_id: UUID = Field(primary_key=True)
    """The generation."""
