"""The database tables. The database itself enforces the constraints that money depends on."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

import schemas.customer_tables
import schemas.identity_tables  # noqa: F401 -- likewise
from schemas.columns import MOMENT, created_at, words
from schemas.enums import AssetRole, ErrorCode, EventName, Kind, Stage
from schemas.limits import RemoteWait
from schemas.names import TWIN_PREFIX, ProviderName

AT_TWIN: Final = f"starts_with(provider, '{TWIN_PREFIX}')"
"""An SQL condition on a generation: its provider is a twin, so the generation is a test customer's. An index has it."""


class Generation(SQLModel, table=True):
    """A request and its progress. Every unfinished row has a `wake_at`."""

    __tablename__: ClassVar[str] = "generations"
    __table_args__ = (
        UniqueConstraint("customer_id", "idempotency_key"),
        # An unfinished row that is never due is a lost job. The database refuses it.
        CheckConstraint(
            "(stage IN ('completed', 'failed', 'cancelled')) = (wake_at IS NULL)",
            name="wake_at_until_terminal",
        ),
        CheckConstraint("(stage = 'failed') = (error_code IS NOT NULL)", name="failed_has_error"),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_is_percent"),
        Index("ix_generations_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
        Index(
            "ix_generations_stage",
            "customer_id",
            "stage",
            "created_at",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_generations_usual",
            "model",
            text(AT_TWIN),
            "finished_at",
            postgresql_where=text("stage = 'completed'"),
        ),
        Index("ix_generations_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        # Swept rows leave the index: the sweep reads an hour's rows, however long the history.
        Index(
            "ix_generations_keyed",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL AND idempotency_key IS NOT NULL"),
        ),
        Index("ix_generations_remote", "provider", "remote_id", postgresql_where=text("remote_id IS NOT NULL")),
        # A failure enters the index once, at its end.
        Index("ix_generations_failed", "error_code", "finished_at", postgresql_where=text("error_code IS NOT NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The generation's id."""
    customer_id: UUID = Field(foreign_key="customers.id")
    """The customer."""
    idempotency_key: str | None = Field(default=None, sa_type=Text)
    """The customer's key of the request. Null without a key."""
    request_hash: str = Field(sa_type=Text, description="SHA-256 of the request, to tell a repeat from a mix-up")
    kind: Kind = Field(sa_type=words(Kind))
    """Image or video."""
    model: str = Field(sa_type=Text)
    """Our name of the model."""
    order: dict[str, object] = Field(sa_type=JSONB, description="the `schemas.orders.Order`")
    credits: int = Field(sa_type=BigInteger, description="what the hold took")

    stage: Stage = Field(default=Stage.QUEUED, sa_type=words(Stage))
    """The stage."""
    progress: int = 0
    """Percent done."""
    wake_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time at which the row is due. Null after the end."""
    deadline_at: datetime = Field(sa_type=MOMENT)
    """The time after which the generation fails."""
    attempt: int = Field(default=0, description="claims so far, of all stages: it only grows")
    failures: int = Field(default=0, description="failures in a row in this stage, on this route")
    crashes: int = Field(
        default=0,
        sa_column=Column(Integer, nullable=False, server_default="0"),
        description="claims in a row in this stage that ended with a crash, or with the worker's death",
    )
    lease_token: UUID | None = None
    """The token of the valid claim. Null while no worker holds the row."""
    lease_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """The end of the lease."""
    claimed_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the newest claim."""
    holder: str | None = Field(default=None, sa_type=Text, description="the worker process of the newest claim")
    submission: UUID | None = Field(default=None, description="the claim whose create may be at the vendor")
    cancel_requested_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time at which the customer asked to cancel."""
    cancel_sent_at: datetime | None = Field(default=None, sa_type=MOMENT, description="the provider took the request")
    stage_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the last change of stage."""
    callback_at: datetime | None = Field(
        default=None,
        sa_type=MOMENT,
        description="the newest callback; after the first one the time of its read, up to a second later",
    )

    provider: ProviderName = Field(sa_type=String(64))
    """The provider account of the present route."""
    route_index: int = 0
    """The index of the present route in the order."""
    routes_given_up: int = Field(
        default=0,
        sa_column=Column(Integer, nullable=False, server_default="0"),
        description="the routes that this generation does not take again: bit n stands for route n",
    )
    remote_id: str | None = Field(default=None, sa_type=Text)
    """The vendor's id of the task."""
    remote_links: dict[str, str] = Field(
        default={},
        sa_column=Column(JSONB, nullable=False, server_default="{}"),
        description="where the vendor said to ask for it, by names of its adapter's",
    )
    lost_runs: list[dict[str, str | bool | None]] = Field(
        default=[],
        sa_column=Column(JSONB, nullable=False, server_default="[]"),
        description="the runs that a server of our own lost: `provider`, and `remote_id` if it had accepted the run",
    )
    silent_since: datetime | None = Field(
        default=None,
        sa_type=MOMENT,
        description="the first of the newest reads that a server of our own did not answer",
    )
    remote_wait: RemoteWait | None = Field(default=None, sa_type=words(RemoteWait, is_closed=False))
    """Whether the vendor works on it, as the vendor last said. Null: the vendor has said neither."""
    remote_ahead: int | None = Field(default=None, description="the works before it in the vendor's own queue")
    result_urls: list[str] = Field(default=[], sa_type=JSONB)
    """The vendor's links to the results."""
    object_key: str | None = Field(
        default=None, sa_type=Text, unique=True, description="where the result's bytes are, once they are there"
    )
    download: dict[str, object] | None = Field(default=None, sa_type=JSONB, description="size, sha256, content type")
    provider_credits: Decimal | None = Field(
        default=None, sa_type=Numeric, description="what the provider charged us, in its own credits"
    )
    error_code: ErrorCode | None = Field(default=None, sa_type=words(ErrorCode, is_closed=False))
    """The reason of a failure."""
    error_message: str | None = Field(default=None, sa_type=Text)
    """The reason of a failure, for people."""

    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of acceptance."""
    updated_at: datetime | None = Field(
        default=None,
        sa_type=MOMENT,
        description="the last change of progress, wishes or rating; `stage_at` may be later",
    )
    started_at: datetime | None = Field(default=None, sa_type=MOMENT, description="a provider accepted the work")
    rendered_at: datetime | None = Field(default=None, sa_type=MOMENT, description="the provider's result was ready")
    provider_seconds: float | None = Field(default=None, description="what the vendor says that its work took")
    finished_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the end."""
    rating: int | None = Field(default=None, sa_type=SmallInteger, description="the customer's opinion, 1 to 5")
    deleted_at: datetime | None = Field(
        default=None, sa_type=MOMENT, description="the customer deleted it: only facts about money are left"
    )
    traceparent: str | None = Field(
        default=None, sa_type=String(55), description="the place of its order in a trace; null without a trace"
    )
    last_span: str | None = Field(
        default=None, sa_type=String(16), description="the span of the newest step or callback, in the same trace"
    )


class Asset(SQLModel, table=True):
    """A stored file. A sweep deletes objects without a row."""

    __tablename__: ClassVar[str] = "assets"
    __table_args__ = (
        UniqueConstraint("generation_id", "role"),
        Index("ix_assets_kept", "created_at", postgresql_where=text("expired_at IS NULL AND role = 'result'")),
        Index(
            "ix_assets_expires",
            "expires_at",
            postgresql_where=text("expired_at IS NULL AND expires_at IS NOT NULL AND role = 'result'"),
        ),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The file's id."""
    generation_id: UUID = Field(foreign_key="generations.id")
    """The generation."""
    customer_id: UUID = Field(foreign_key="customers.id", index=True)
    """The customer."""
    role: AssetRole = Field(sa_type=words(AssetRole))
    """The role of the file."""
    object_key: str = Field(sa_type=Text, unique=True)
    """The key in the object store."""
    content_type: str = Field(sa_type=Text)
    """The media type."""
    size_bytes: int = Field(sa_type=BigInteger)
    """The size of the file."""
    sha256: str = Field(sa_type=Text, description="lower-case hex")
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    duration_seconds: float | None = None
    """The length of a video."""
    frame_rate: float | None = None
    """Frames a second of a video."""
    codec: str = Field(sa_type=Text)
    """The codec's name."""
    bit_rate: int | None = Field(default=None, sa_type=BigInteger, description="bits per second")
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the insert."""
    expires_at: datetime | None = Field(
        default=None,
        sa_type=MOMENT,
        description="when the request wants it deleted; the operator's limit may be earlier",
    )
    expired_at: datetime | None = Field(default=None, sa_type=MOMENT, description="its file was given up for deletion")


class Upload(SQLModel, table=True):
    """An uploaded picture or video. The object exists as long as the row."""

    __tablename__: ClassVar[str] = "uploads"
    __table_args__ = (
        Index("ix_uploads_expires", "expires_at"),
        Index("ix_uploads_customer", "customer_id", "expires_at"),
    )

    id: UUID = Field(
        primary_key=True, description="made of the customer and the content: the same file is the same row"
    )
    customer_id: UUID = Field(foreign_key="customers.id")
    """The customer."""
    object_key: str = Field(sa_type=Text, unique=True)
    """The key in the object store."""
    content_type: str = Field(sa_type=Text)
    """The media type."""
    size_bytes: int = Field(sa_type=BigInteger)
    """The size of the file."""
    sha256: str = Field(sa_type=Text, description="lower-case hex")
    duration_seconds: float | None = Field(
        default=None, description="of a video; null where none was measured, as by releases before this column"
    )
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the insert."""
    expires_at: datetime = Field(sa_type=MOMENT, description="not before any generation that needs it is over")


class Event(SQLModel, table=True):
    """The timeline of a generation, ordered by `id`. `origin` equals `stage` for an event without a move."""

    __tablename__: ClassVar[str] = "events"
    __table_args__ = (
        Index("ix_events_generation", "generation_id", "id"),
        # Only moves: customers see no other events.
        Index(
            "ix_events_customer",
            "customer_id",
            "id",
            postgresql_where=text("customer_id IS NOT NULL AND origin IS DISTINCT FROM stage"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    """The order of the events."""
    generation_id: UUID = Field(foreign_key="generations.id")
    """The generation."""
    customer_id: UUID | None = None
    """The customer. Null in rows from before this column. No foreign key: the generation has one."""
    progress: int | None = Field(default=None, sa_type=SmallInteger)
    """Percent done after the event. Null in rows of releases before this column."""
    origin: Stage | None = Field(default=None, sa_type=words(Stage, name="origin"))
    """The stage before the event. Null for the first event."""
    stage: Stage = Field(sa_type=words(Stage))
    """The stage after the event."""
    name: EventName = Field(
        default=EventName.MOVED,
        sa_column=Column(words(EventName, is_closed=False), nullable=False, server_default=EventName.MOVED.value),
    )
    """The kind of event."""
    data: dict[str, object] = Field(default={}, sa_type=JSONB)
    """Details of the event."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the event."""


class CallbackReceipt(SQLModel, table=True):
    """A received callback. Repeated deliveries share one row."""

    __tablename__: ClassVar[str] = "callback_receipts"
    __table_args__ = (
        UniqueConstraint("generation_id", "body_sha256"),
        Index("ix_callback_receipts_remote", "remote_id", postgresql_where=text("remote_id IS NOT NULL")),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    """The order of the callbacks."""
    generation_id: UUID = Field(foreign_key="generations.id")
    """The generation."""
    provider: ProviderName = Field(sa_type=String(64))
    """The provider account."""
    remote_id: str | None = Field(default=None, sa_type=Text)
    """The vendor's id of the task, if the callback has one."""
    body: bytes = Field(sa_type=LargeBinary)
    """The body, unchanged."""
    body_sha256: str = Field(sa_type=Text)
    """SHA-256 of the body."""
    deliveries: int = 1
    """The number of deliveries."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the first delivery."""
