"""Reads a generation's timeline. `storage.transitions` writes the entries."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from schemas.tables import Event
from storage.sql import Sql, returns

_UNKNOWN_STATUS = returns(str)("""
    SELECT data->>'status' FROM events WHERE generation_id = %(generation_id)s AND name = 'status_unknown'
    ORDER BY id DESC LIMIT 1
""")


def read(session: Session, generation_id: UUID) -> Sequence[Event]:
    """All entries of a generation's timeline, oldest first."""
    return session.exec(select(Event).where(Event.generation_id == generation_id).order_by(col(Event.id))).all()


def unknown_status(sql: Sql, generation_id: UUID) -> str | None:
    """The provider's word for a status that Reelworks does not know. None if the provider used no such word."""
    return sql.first(_UNKNOWN_STATUS, generation_id=generation_id)
