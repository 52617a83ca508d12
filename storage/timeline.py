"""Reads a generation's timeline. `storage.transitions` writes the entries."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from schemas.tables import Event


def read(session: Session, generation_id: UUID) -> Sequence[Event]:
    """All entries of a generation's timeline, oldest first."""
    return session.exec(select(Event).where(Event.generation_id == generation_id).order_by(col(Event.id))).all()
