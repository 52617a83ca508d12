"""A generation's timeline, for people. `storage.transitions` writes it."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from schemas.tables import Event


def read(session: Session, generation_id: UUID) -> Sequence[Event]:
    """All entries, oldest first."""
    return session.exec(select(Event).where(Event.generation_id == generation_id).order_by(col(Event.id))).all()
