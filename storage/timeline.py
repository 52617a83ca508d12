"""A generation's timeline: what happened to it, beside its moves."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from schemas.enums import EventName
from schemas.tables import Event
from storage.statements import Executor

_NOTE = text("""
    INSERT INTO events (generation_id, origin, stage, name, data)
    SELECT id, stage, stage, :name, CAST(:data AS jsonb) FROM generations WHERE id = :id
""")


def note(executor: Executor, generation_id: UUID, name: EventName, data: Mapping[str, object] | None = None) -> None:
    """Add an entry that is no move, in the stage where the generation stands now. No secrets and no prompts."""
    executor.execute(_NOTE, {"id": generation_id, "name": name.value, "data": json.dumps(dict(data or {}))})


def read(session: Session, generation_id: UUID) -> Sequence[Event]:
    """All entries, oldest first."""
    return session.exec(select(Event).where(Event.generation_id == generation_id).order_by(col(Event.id))).all()
