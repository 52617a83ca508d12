"""The tables of variants. `storage/variants/` has their statements."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Column, Index, Integer, SmallInteger, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from schemas import columns
from schemas.columns import MOMENT, words
from schemas.variants import FilePart, VariantError, VariantOrigin, VariantState


def _id() -> Column[UUID]:
    return Column(Uuid, primary_key=True, server_default=text("gen_random_uuid()"))


def _count() -> Column[int]:
    return Column(Integer, nullable=False, server_default="0")


class Variant(SQLModel, table=True):
    """A variant of a result. A trigger of `generations` makes the row when the generation is completed."""

    __tablename__: ClassVar[str] = "variants"
    __table_args__ = (
        UniqueConstraint("generation_id", "name"),
        # A pending row that is never due is lost work. The database refuses it.
        CheckConstraint("(state = 'pending') = (wake_at IS NOT NULL)", name="due_while_pending"),
        Index("ix_variants_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
        Index("ix_variants_served", "customer_id", "claimed_at"),
    )

    id: UUID = Field(default_factory=uuid4, sa_column=_id())
    """The variant's id."""
    generation_id: UUID = Field(foreign_key="generations.id")
    """The generation of the result."""
    customer_id: UUID = Field(foreign_key="customers.id")
    """The customer."""
    position: int = Field(sa_type=SmallInteger)
    """The place among the variants of the order, from 1."""
    name: str = Field(sa_type=Text)
    """The name, unique among the variants of the result."""
    kind: str = Field(sa_type=Text)
    """The kind: a value of `schemas.variants.VariantKind`."""
    spec: dict[str, object] = Field(sa_type=JSONB, description="the `schemas.variants.VariantSpec`")
    state: VariantState = Field(
        default=VariantState.PENDING,
        sa_column=Column(words(VariantState, is_closed=False), nullable=False, server_default="pending"),
    )
    """How far the variant is."""
    wake_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time at which the row is due. Null after the end."""
    attempt: int = Field(default=0, sa_column=_count())
    """The claims so far."""
    failures: int = Field(default=0, sa_column=_count())
    """The failed tries so far."""
    crashes: int = Field(default=0, sa_column=_count())
    """The claims that ended with a crash or with the worker's death."""
    claimed_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the newest claim. Customers take turns by it."""
    lease_token: UUID | None = None
    """The token of the valid claim. Null while no worker holds the row."""
    lease_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """The end of the lease."""
    holder: str | None = Field(default=None, sa_type=Text)
    """The worker process of the newest claim."""
    origin: VariantOrigin | None = Field(default=None, sa_type=words(VariantOrigin, is_closed=False))
    """How the variant comes from its result. Null until it is ready."""
    error_code: VariantError | None = Field(default=None, sa_type=words(VariantError, is_closed=False))
    """Why the variant failed."""
    error_message: str | None = Field(default=None, sa_type=Text)
    """Why the variant failed, for people."""
    created_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """The time of the insert: the end of the generation."""
    finished_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time at which the variant became ready or failed."""


class VariantFile(SQLModel, table=True):
    """A stored file of a variant. It is kept as long as the result is."""

    __tablename__: ClassVar[str] = "variant_files"
    __table_args__ = (UniqueConstraint("variant_id", "part"), Index("ix_variant_files_generation", "generation_id"))

    id: UUID = Field(default_factory=uuid4, sa_column=_id())
    """The file's id."""
    variant_id: UUID = Field(foreign_key="variants.id")
    """The variant."""
    generation_id: UUID = Field(foreign_key="generations.id")
    """The generation."""
    part: FilePart = Field(sa_type=words(FilePart, is_closed=False))
    """Which file of the variant."""
    object_key: str = Field(sa_type=Text, unique=True)
    """The key in the object store."""
    content_type: str = Field(sa_type=Text)
    """The media type."""
    size_bytes: int = Field(sa_type=BigInteger)
    """The size of the file."""
    sha256: str = Field(sa_type=Text, description="lower-case hex")
    width: int | None = None
    """Pixels. Null for a text."""
    height: int | None = None
    """Pixels. Null for a text."""
    duration_seconds: float | None = None
    """The length of a video or an animation."""
    frame_rate: float | None = None
    """Frames a second of a video or an animation."""
    codec: str | None = Field(default=None, sa_type=Text)
    """The codec's name. Null for a text."""
    created_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """The time of the insert."""
    expired_at: datetime | None = Field(default=None, sa_type=MOMENT, description="its file was given up for deletion")
