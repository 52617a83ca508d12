"""The tables of webhooks: endpoints, and what is sent to them.

A trigger of `events` inserts the deliveries (`storage/migrations/versions/0019_webhooks.py`). An event and its
deliveries are one transaction, whichever release writes the event.
"""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from schemas import columns
from schemas.columns import MOMENT, words
from schemas.webhooks import DeliveryState, PauseReason

_IS_LIVE: Final = "deleted_at IS NULL"


class WebhookEndpoint(SQLModel, table=True):
    """A URL of a customer that hears events. A deleted one has no URL and no secret, and hears nothing."""

    __tablename__: ClassVar[str] = "webhook_endpoints"
    __table_args__ = (
        # The pages of the list. The trigger of `events` asks this index whether a customer has any endpoint.
        Index("ix_webhook_endpoints_customer", "customer_id", "created_at", "id", postgresql_where=text(_IS_LIVE)),
        # The endpoints that hear every generation of their customer.
        Index("ix_webhook_endpoints_explicit", "customer_id", postgresql_where=text(f"{_IS_LIVE} AND NOT is_implicit")),
        Index(
            "ix_webhook_endpoints_implicit",
            "customer_id",
            "url",
            unique=True,
            postgresql_where=text(f"{_IS_LIVE} AND is_implicit"),
        ),
        # What a sweep looks for.
        Index("ix_webhook_endpoints_used", "used_at", postgresql_where=text("is_implicit")),
        Index("ix_webhook_endpoints_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("ix_webhook_endpoints_paused", "paused_at", "id", postgresql_where=text("paused_at IS NOT NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The endpoint's id."""
    customer_id: UUID = Field(foreign_key="customers.id")
    """The customer."""
    url: str = Field(sa_type=Text)
    """Where messages go. Empty for a deleted endpoint."""
    is_implicit: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))
    """Whether an order's `callback_url` made the endpoint. It hears the generations that name it, and no others."""
    types: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    """The types that it hears: names, `generation.*`, `endpoint.*` or `*`."""
    hears_since: datetime | None = Field(default=None, sa_column=columns.created_at())
    """Since when it hears these types."""
    description: str | None = Field(default=None, sa_type=Text)
    """The use of the endpoint, for people."""
    secret: str = Field(sa_type=Text)
    """Signs the messages: `whsec_` and base64. Empty for a deleted endpoint. No log names it."""
    earlier_secret: str | None = Field(default=None, sa_type=Text)
    """The secret before the last rotation. It signs, too, until `earlier_secret_until`."""
    earlier_secret_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """The end of the earlier secret."""
    paused_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """Since when nothing is sent. Its deliveries wait in `pending`. Null: messages are sent."""
    paused_reason: PauseReason | None = Field(default=None, sa_type=words(PauseReason, is_closed=False))
    """Why nothing is sent."""
    failing_since: datetime | None = Field(default=None, sa_type=MOMENT)
    """The first failure after the last success. Null: the last attempt succeeded, or there was none."""
    created_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """The time of the insert."""
    used_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """A time within an hour of the last order with this `callback_url`."""
    deleted_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of deletion."""


class WebhookGeneration(SQLModel, table=True):
    """The endpoint of a generation whose order has a `callback_url`."""

    __tablename__: ClassVar[str] = "webhook_generations"
    __table_args__ = (
        Index("ix_webhook_generations_endpoint", "endpoint_id"),
        Index("ix_webhook_generations_created", "created_at"),
    )

    generation_id: UUID = Field(primary_key=True, foreign_key="generations.id")
    """The generation."""
    endpoint_id: UUID = Field(foreign_key="webhook_endpoints.id")
    """The implicit endpoint."""
    created_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """The time of the insert."""


class WebhookDelivery(SQLModel, table=True):
    """A message to an endpoint. An event has one for each endpoint that hears it."""

    __tablename__: ClassVar[str] = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        # The next messages of each endpoint.
        Index("ix_webhook_deliveries_pending", "endpoint_id", "next_at", postgresql_where=text("state = 'pending'")),
        # The pages of the lists.
        Index("ix_webhook_deliveries_customer", "customer_id", "created_at", "id"),
        Index("ix_webhook_deliveries_endpoint", "endpoint_id", "created_at", "id"),
        Index("ix_webhook_deliveries_generation", "generation_id", "created_at", "id"),
        Index(
            "ix_webhook_deliveries_undelivered",
            "customer_id",
            "created_at",
            "id",
            postgresql_where=text("state IN ('failed', 'dropped')"),
        ),
        # What a sweep looks for.
        Index("ix_webhook_deliveries_created", "created_at"),
    )

    id: UUID = Field(
        default_factory=uuid4, sa_column=Column(Uuid, primary_key=True, server_default=text("gen_random_uuid()"))
    )
    """The id of the message, the same in every attempt: the header `webhook-id`."""
    endpoint_id: UUID = Field(foreign_key="webhook_endpoints.id")
    """The endpoint."""
    customer_id: UUID
    """The customer. No foreign key: the endpoint has one."""
    generation_id: UUID | None = Field(default=None, foreign_key="generations.id")
    """The generation. Null for an event without one."""
    event_id: int | None = Field(default=None, sa_type=BigInteger)
    """The row of `events`. Null for an event that is no move of a generation."""
    type: str = Field(sa_type=Text)
    """A name of `schemas.event_types.EventType`."""
    data: dict[str, object] | None = Field(default=None, sa_type=JSONB)
    """The payload's data, where no row of `events` holds it."""
    state: DeliveryState = Field(
        default=DeliveryState.PENDING,
        sa_column=Column(words(DeliveryState, is_closed=False), nullable=False, server_default="pending"),
    )
    """How far the message is."""
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    """The attempts since the message was made, or since it was asked for again. They decide the next pause."""
    next_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """The time of the next attempt, while the message is pending."""
    lease_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """Until when a process sends the message. Null: none does."""
    created_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """The time of the event's transaction."""
    ended_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time at which the message was delivered, failed for good, or was dropped. Null while it is pending."""


class WebhookAttempt(SQLModel, table=True):
    """One try to send a message."""

    __tablename__: ClassVar[str] = "webhook_attempts"

    delivery_id: UUID = Field(primary_key=True, foreign_key="webhook_deliveries.id", ondelete="CASCADE")
    """The message."""
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    """1 for the first attempt. An attempt after a redelivery has the next number."""
    began_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """The beginning of the attempt."""
    status: int | None = Field(default=None, sa_type=SmallInteger)
    """The HTTP status of the answer. Null: no answer came."""
    seconds: float = Field(sa_column=Column(Float, nullable=False))
    """How long the attempt took."""
    error: str | None = Field(default=None, sa_type=Text)
    """Why the attempt failed, for people. Null after a success."""
    answer: str | None = Field(default=None, sa_type=Text)
    """The first bytes of the answer, at most 1 kB, as text."""
