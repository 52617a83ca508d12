"""Reads the records of a generation's timeline. `storage.transitions` writes its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from schemas.enums import Stage
from schemas.ledger_tables import LedgerTransfer
from schemas.tables import Asset, Event, Generation
from storage import generations, timeline_surroundings
from storage.sql import Sql, returns
from storage.timeline_surroundings import Surroundings
from storage.variants import reading
from storage.variants.reading import StoredVariant

_UNKNOWN_STATUS = returns(str)("""
    SELECT data->>'status' FROM events WHERE generation_id = %(generation_id)s AND name = 'status_unknown'
    ORDER BY id DESC LIMIT 1
""")

_LAST_REASON = returns(str)("""
    SELECT data->>'reason' FROM events
    WHERE generation_id = %(generation_id)s AND stage = %(stage)s AND name IN ('moved', 'try_failed')
      AND data ? 'reason'
    ORDER BY id DESC LIMIT 1
""")

_FAILED_BY_OPERATOR = returns(int)("""
    SELECT id FROM events WHERE generation_id = %(generation_id)s AND name = 'operator_acted'
        AND data ->> 'action' = 'fail'
    LIMIT 1
""")

# The bodies of callbacks stay in the database.
_RECEIPTS = text("""
    SELECT provider, remote_id, octet_length(body) AS size_bytes, deliveries, created_at
    FROM callback_receipts WHERE generation_id = :id ORDER BY id
""")

# An entry for each try, and one for a message that was not tried yet.
_WEBHOOKS = text("""
    SELECT coalesce(a.began_at, d.created_at) AS at, d.type, d.id::text, d.endpoint_id::text, d.state, a.number,
           a.status, a.error, a.seconds
    FROM webhook_deliveries d LEFT JOIN webhook_attempts a ON a.delivery_id = d.id
    WHERE d.generation_id = :id ORDER BY at LIMIT :most
""")
_MOST_WEBHOOKS = 500

_DOWNLOADS = text("SELECT downloads FROM generation_downloads WHERE generation_id = :id")


@dataclass(frozen=True)
class Receipt:
    """A callback without its body."""

    provider: str
    """The provider account."""
    remote_id: str | None
    """The vendor's id of the work."""
    size_bytes: int
    """The length of the body."""
    deliveries: int
    """The number of deliveries of this body."""
    created_at: datetime
    """The time of the first delivery."""


@dataclass(frozen=True)
class WebhookTry:
    """A try to send a message to an endpoint of the customer, or a message that was not tried yet."""

    at: datetime
    """The time of the try, or of the message."""
    type: str
    """The type of the message."""
    delivery_id: str
    """The message."""
    endpoint_id: str
    """The endpoint."""
    state: str
    """The state of the message now."""
    number: int | None
    """The number of the try."""
    status: int | None
    """The HTTP status of the answer."""
    error: str | None
    """The reason why the try failed."""
    seconds: float | None
    """The length of the try."""


@dataclass(frozen=True)
class Records:
    """All records of a generation, of one moment."""

    generation: Generation
    """The row."""
    events: Sequence[Event]
    """The events, the oldest first."""
    receipts: Sequence[Receipt]
    """The callbacks, the oldest first."""
    transfers: Sequence[LedgerTransfer]
    """The transfers of credits, the oldest first."""
    assets: Sequence[Asset]
    """The stored files."""
    variants: Sequence[StoredVariant]
    """The variants of the result, in the order of the order."""
    webhooks: Sequence[WebhookTry]
    """The messages to endpoints of the customer, the oldest first."""
    surroundings: Surroundings
    """What happened around the generation."""
    downloads: int
    """How often the customer downloaded the result."""
    now: datetime
    """The time of the read, by the database's clock."""


def read(session: Session, generation_id: UUID) -> Sequence[Event]:
    """All events of a generation, the oldest first."""
    return session.exec(select(Event).where(Event.generation_id == generation_id).order_by(col(Event.id))).all()


def records(session: Session, generation: Generation) -> Records:
    """All records of a generation whose row is read already."""
    wanted, now = {"id": generation.id}, generations.database_now(session)
    moved = select(LedgerTransfer).where(LedgerTransfer.generation_id == generation.id).order_by(col(LedgerTransfer.id))
    stored = select(Asset).where(Asset.generation_id == generation.id).order_by(col(Asset.role).desc())
    return Records(
        generation=generation,
        events=read(session, generation.id),
        receipts=[Receipt(*row) for row in session.execute(_RECEIPTS, wanted)],
        transfers=session.exec(moved).all(),
        assets=session.exec(stored).all(),
        variants=reading.of_generations(session, [generation.id]).get(generation.id, ()),
        webhooks=[WebhookTry(*row) for row in session.execute(_WEBHOOKS, {**wanted, "most": _MOST_WEBHOOKS})],
        surroundings=timeline_surroundings.read(session, generation, now),
        downloads=session.execute(_DOWNLOADS, wanted).scalar() or 0,
        now=now,
    )


def last_reason(sql: Sql, generation_id: UUID, stage: Stage) -> str | None:
    """The reason of the last failed try in a stage, or of the last move back to it. None if nothing failed."""
    return sql.first(_LAST_REASON, generation_id=generation_id, stage=stage.value)


def is_failed_by_operator(sql: Sql, generation_id: UUID) -> bool:
    """Whether an operator let the generation fail by ending its deadline."""
    return sql.first(_FAILED_BY_OPERATOR, generation_id=generation_id) is not None


def unknown_status(sql: Sql, generation_id: UUID) -> str | None:
    """The provider's word for a status that Reelworks does not know. None if the provider used no such word."""
    return sql.first(_UNKNOWN_STATUS, generation_id=generation_id)
