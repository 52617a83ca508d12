"""Facts about a create: that it never left, or that the vendor accepted it.

A fact needs no lease. The worker that sent a create may have lost its claim meanwhile, and whoever looks after the
generation by now waits to learn what became of it. `Generation.submission`, the token of the claim that sent it, tells
one create from the next.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, func, update
from sqlmodel import Session, col, select

from schemas.enums import EventName, Stage
from schemas.tables import Event, Generation
from storage import timeline
from storage.claims import Claim


def withdraw(session: Session, sender: Claim) -> bool:
    """Queue a generation again whose create never left; false if nobody waits for it any more."""
    statement = (
        update(Generation)
        .where(_awaits(sender))
        .values(
            stage=Stage.QUEUED,
            stage_at=func.clock_timestamp(),
            wake_at=func.clock_timestamp(),
            submission=None,
            lease_token=None,
            lease_until=None,
        )
        .returning(col(Generation.id))
    )
    if not session.scalars(statement).all():
        return False
    session.add(
        Event(
            generation_id=sender.id,
            origin=Stage.SUBMITTING,
            stage=Stage.QUEUED,
            name=EventName.SUBMIT_WITHDRAWN,
            data={"attempt": sender.generation.attempt},
        )
    )
    return True


def accepted(session: Session, sender: Claim, values: Mapping[str, object]) -> bool:
    """Keep the vendor's id and links for whoever looks after the generation now; false if nobody waits for it any more.

    `values` are the columns that the move to `generating` would have set.

    Work that nobody waits for was paid for all the same: the timeline tells of it.
    """
    statement = (
        update(Generation)
        .where(_awaits(sender), col(Generation.remote_id).is_(None))
        # Whoever looks after it now may be about to give it up: their write is refused, and the next finds the id.
        .values(
            **values,
            wake_at=func.clock_timestamp(),
            lease_token=None,
            lease_until=None,
        )
        .returning(col(Generation.id))
    )
    is_kept = bool(session.scalars(statement).all())
    remote_id = values["remote_id"]
    if not is_kept and _knows(session, sender, remote_id):
        return True
    name = EventName.SUBMIT_ADOPTED if is_kept else EventName.SUBMIT_LATE
    timeline.note(session, sender.id, name, {"provider": sender.route.provider, "remote_id": remote_id})
    return is_kept


def _knows(session: Session, sender: Claim, remote_id: object) -> bool:
    """Whether the row has that id already: a callback brought it, or our own commit was not acknowledged."""
    return session.exec(select(Generation.remote_id).where(Generation.id == sender.id)).one() == remote_id


def _awaits(sender: Claim) -> ColumnElement[bool]:
    """That the row still waits for what became of this claim's create."""
    return and_(
        col(Generation.id) == sender.id,
        col(Generation.stage) == Stage.SUBMITTING,
        col(Generation.submission) == sender.token,
    )
