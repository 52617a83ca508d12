"""The tables. Constraints that money depends on stand here, in the database, and not in an `if`."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from schemas.enums import AccountKind, AssetRole, ErrorCode, EventName, Kind, Stage, TransferKind
from schemas.names import ProviderName


def _words(enum: type[StrEnum], *, name: str | None = None, is_closed: bool = True) -> Enum:
    """An enum as text: readable in psql. A closed one gets a CHECK; one that grows does not."""
    return Enum(
        enum,
        native_enum=False,
        create_constraint=is_closed,
        length=64,
        name=name or enum.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def _created_at() -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=False, server_default=func.now())


_MOMENT = DateTime(timezone=True)


class Customer(SQLModel, table=True):
    """Who orders and pays."""

    __tablename__: ClassVar[str] = "customers"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str = Field(sa_type=Text)
    created_at: datetime | None = Field(default=None, sa_column=_created_at())


class ApiKey(SQLModel, table=True):
    """A customer's credential; only its SHA-256 is kept."""

    __tablename__: ClassVar[str] = "api_keys"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    customer_id: UUID = Field(foreign_key="customers.id", index=True)
    prefix: str = Field(sa_type=Text, description="the key's first characters, to tell keys apart")
    key_hash: str = Field(sa_type=Text, unique=True)
    created_at: datetime | None = Field(default=None, sa_column=_created_at())
    revoked_at: datetime | None = Field(default=None, sa_type=_MOMENT)


class Generation(SQLModel, table=True):
    """One request and its life. Every unfinished row has a `wake_at`."""

    __tablename__: ClassVar[str] = "generations"
    __table_args__ = (
        UniqueConstraint("customer_id", "idempotency_key"),
        # A row that nobody will look at again is a lost job: the database refuses it.
        CheckConstraint(
            "(stage IN ('completed', 'failed', 'cancelled')) = (wake_at IS NULL)",
            name="wake_at_until_terminal",
        ),
        CheckConstraint("(stage = 'failed') = (error_code IS NOT NULL)", name="failed_has_error"),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_is_percent"),
        Index("ix_generations_due", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
        Index("ix_generations_customer", "customer_id", "created_at"),
        Index("ix_generations_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        # What the sweep has dealt with leaves its index: an hour's work is an hour's rows, however long the history.
        Index(
            "ix_generations_keyed",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL AND idempotency_key IS NOT NULL"),
        ),
        Index("ix_generations_remote", "provider", "remote_id", postgresql_where=text("remote_id IS NOT NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    customer_id: UUID = Field(foreign_key="customers.id")
    idempotency_key: str | None = Field(default=None, sa_type=Text)
    request_hash: str = Field(sa_type=Text, description="SHA-256 of the request, to tell a repeat from a mix-up")
    kind: Kind = Field(sa_type=_words(Kind))
    model: str = Field(sa_type=Text)
    order: dict[str, object] = Field(sa_type=JSONB, description="the `schemas.orders.Order`")
    credits: int = Field(sa_type=BigInteger, description="what the hold took")

    stage: Stage = Field(default=Stage.QUEUED, sa_type=_words(Stage))
    progress: int = 0
    wake_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    deadline_at: datetime = Field(sa_type=_MOMENT)
    attempt: int = Field(default=0, description="claims so far, of all stages: it only grows")
    failures: int = Field(default=0, description="failures in a row in this stage, on this route")
    crashes: int = Field(
        default=0,
        sa_column=Column(Integer, nullable=False, server_default="0"),
        description="claims in a row in this stage that ended with a crash, or with the worker's death",
    )
    lease_token: UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_type=_MOMENT)
    claimed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    holder: str | None = Field(default=None, sa_type=Text, description="the worker process of the newest claim")
    submission: UUID | None = Field(default=None, description="the claim whose create may be at the vendor")
    cancel_requested_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    cancel_sent_at: datetime | None = Field(default=None, sa_type=_MOMENT, description="the provider took the request")
    stage_at: datetime | None = Field(default=None, sa_column=_created_at())
    callback_at: datetime | None = Field(default=None, sa_type=_MOMENT, description="the newest callback")

    provider: ProviderName = Field(sa_type=String(64))
    route_index: int = 0
    remote_id: str | None = Field(default=None, sa_type=Text)
    remote_links: dict[str, str] = Field(
        default={},
        sa_column=Column(JSONB, nullable=False, server_default="{}"),
        description="where the vendor said to ask for it, by names of its adapter's",
    )
    result_urls: list[str] = Field(default=[], sa_type=JSONB)
    object_key: str | None = Field(
        default=None, sa_type=Text, unique=True, description="where the result's bytes are, once they are there"
    )
    download: dict[str, object] | None = Field(default=None, sa_type=JSONB, description="size, sha256, content type")
    provider_credits: Decimal | None = Field(
        default=None, sa_type=Numeric, description="what the provider charged us, in its own credits"
    )
    error_code: ErrorCode | None = Field(default=None, sa_type=_words(ErrorCode, is_closed=False))
    error_message: str | None = Field(default=None, sa_type=Text)

    created_at: datetime | None = Field(default=None, sa_column=_created_at())
    finished_at: datetime | None = Field(default=None, sa_type=_MOMENT)


class Asset(SQLModel, table=True):
    """A stored file. An object without this row does not count and is swept."""

    __tablename__: ClassVar[str] = "assets"
    __table_args__ = (
        UniqueConstraint("generation_id", "role"),
        Index("ix_assets_kept", "created_at", postgresql_where=text("expired_at IS NULL AND role = 'result'")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    generation_id: UUID = Field(foreign_key="generations.id")
    customer_id: UUID = Field(foreign_key="customers.id", index=True)
    role: AssetRole = Field(sa_type=_words(AssetRole))
    object_key: str = Field(sa_type=Text, unique=True)
    content_type: str = Field(sa_type=Text)
    size_bytes: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=Text, description="lower-case hex")
    width: int
    height: int
    duration_seconds: float | None = None
    frame_rate: float | None = None
    codec: str = Field(sa_type=Text)
    bit_rate: int | None = Field(default=None, sa_type=BigInteger, description="bits per second")
    created_at: datetime | None = Field(default=None, sa_column=_created_at())
    expired_at: datetime | None = Field(default=None, sa_type=_MOMENT, description="its file was given up for deletion")


class Upload(SQLModel, table=True):
    """A picture or video that a customer gave. While the row is there, so is its object."""

    __tablename__: ClassVar[str] = "uploads"
    __table_args__ = (Index("ix_uploads_expires", "expires_at"),)

    id: UUID = Field(
        primary_key=True, description="made of the customer and the content: the same file is the same row"
    )
    customer_id: UUID = Field(foreign_key="customers.id")
    object_key: str = Field(sa_type=Text, unique=True)
    content_type: str = Field(sa_type=Text)
    size_bytes: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=Text, description="lower-case hex")
    duration_seconds: float | None = Field(
        default=None, description="of a video; null where none was measured, as by releases before this column"
    )
    created_at: datetime | None = Field(default=None, sa_column=_created_at())
    expires_at: datetime = Field(sa_type=_MOMENT, description="not before any generation that needs it is over")


class Event(SQLModel, table=True):
    """The timeline of a generation, in order of `id`. Where it did not move, `origin` and `stage` are the same."""

    __tablename__: ClassVar[str] = "events"
    __table_args__ = (Index("ix_events_generation", "generation_id", "id"),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    generation_id: UUID = Field(foreign_key="generations.id")
    origin: Stage | None = Field(default=None, sa_type=_words(Stage, name="origin"))
    stage: Stage = Field(sa_type=_words(Stage))
    name: EventName = Field(
        default=EventName.MOVED,
        sa_column=Column(_words(EventName, is_closed=False), nullable=False, server_default=EventName.MOVED.value),
    )
    data: dict[str, object] = Field(default={}, sa_type=JSONB)
    created_at: datetime | None = Field(default=None, sa_column=_created_at())


class CallbackReceipt(SQLModel, table=True):
    """A callback as it came, once however often it was delivered."""

    __tablename__: ClassVar[str] = "callback_receipts"
    __table_args__ = (UniqueConstraint("generation_id", "body_sha256"),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    generation_id: UUID = Field(foreign_key="generations.id")
    provider: ProviderName = Field(sa_type=String(64))
    remote_id: str | None = Field(default=None, sa_type=Text)
    body: bytes = Field(sa_type=LargeBinary)
    body_sha256: str = Field(sa_type=Text)
    deliveries: int = 1
    created_at: datetime | None = Field(default=None, sa_column=_created_at())


class LedgerAccount(SQLModel, table=True):
    """A side of transfers.

    A customer's accounts carry a running balance that cannot go below zero. `equity` and `revenue` exist once and
    carry none (every customer would wait for the same row): theirs is the sum of their transfers.
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
    customer_id: UUID | None = Field(default=None, foreign_key="customers.id")
    kind: AccountKind = Field(sa_type=_words(AccountKind))
    balance: int | None = Field(default=None, sa_type=BigInteger)


class LedgerTransfer(SQLModel, table=True):
    """Credits moved between two accounts. Rows are only ever inserted."""

    __tablename__: ClassVar[str] = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint("from_account_id <> to_account_id", name="between_two_accounts"),
        CheckConstraint(
            "kind NOT IN ('hold', 'capture', 'release') OR generation_id IS NOT NULL", name="of_a_generation"
        ),
        CheckConstraint("kind NOT IN ('grant', 'refund') OR reference IS NOT NULL", name="by_reference"),
        # One hold, one capture and one release for a generation, whoever asks how often.
        Index(
            "uq_ledger_transfers_generation_kind",
            "generation_id",
            "kind",
            unique=True,
            postgresql_where=text("kind IN ('hold', 'capture', 'release')"),
        ),
        # And one end: what was captured was not released, whoever gets there first.
        Index(
            "uq_ledger_transfers_settlement",
            "generation_id",
            unique=True,
            postgresql_where=text("kind IN ('capture', 'release')"),
        ),
        UniqueConstraint("customer_id", "kind", "reference"),
        Index("ix_ledger_transfers_generation", "generation_id"),
        Index("ix_ledger_transfers_from", "from_account_id"),
        Index("ix_ledger_transfers_to", "to_account_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    kind: TransferKind = Field(sa_type=_words(TransferKind))
    customer_id: UUID = Field(foreign_key="customers.id")
    from_account_id: int = Field(sa_column=Column(BigInteger, ForeignKey("ledger_accounts.id"), nullable=False))
    to_account_id: int = Field(sa_column=Column(BigInteger, ForeignKey("ledger_accounts.id"), nullable=False))
    amount: int = Field(sa_type=BigInteger)
    generation_id: UUID | None = Field(default=None, foreign_key="generations.id")
    reference: str | None = Field(default=None, sa_type=Text, description="makes a grant or refund happen once")
    reason: str | None = Field(default=None, sa_type=Text)
    created_at: datetime | None = Field(default=None, sa_column=_created_at())
