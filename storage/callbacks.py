"""Callback receipts: kept once each, and turned into a wake-up while they can still matter."""

import hashlib
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from schemas.enums import EventName, ProviderName
from schemas.stages import AWAITS_CALLBACK, TERMINAL
from schemas.tables import CallbackReceipt, Generation
from storage import timeline
from storage.generations import Wake, due_unless_held

# A vendor sends a handful. Whoever varies a body for ever must not fill the table.
_MOST_RECEIPTS = 20

_TWICE = 2


def record(
    session: Session, provider: ProviderName, generation_id: UUID, *, remote_id: str, body: bytes
) -> Wake | None:
    """Keep a verified callback and mark its generation; the wake-up to send, if one is due now.

    A callback that comes while a worker holds the generation (its `remote_id` may not be committed yet) leaves
    `callback_at` behind: whoever gives the claim up sees it and wakes the generation at once.
    """
    # The lock decides whether the worker that is committing `remote_id` sees this callback or we see its commit.
    generation = session.exec(select(Generation).where(Generation.id == generation_id).with_for_update()).one_or_none()
    if generation is None or generation.provider != provider:
        return None
    if _count(session, generation_id) < _MOST_RECEIPTS:
        deliveries = _keep(session, generation_id, provider, remote_id, body)
        _note(session, generation, remote_id, deliveries)
    if generation.stage not in AWAITS_CALLBACK or generation.remote_id not in {None, remote_id}:
        return None
    session.execute(
        update(Generation)
        .where(col(Generation.id) == generation_id)
        .values(
            callback_at=func.clock_timestamp(),
            wake_at=due_unless_held(),
        )
    )
    return Wake(generation_id, generation.stage, generation.attempt) if generation.lease_token is None else None


def adoptable_remote_id(session: Session, generation_id: UUID, provider: ProviderName) -> str | None:
    """The vendor's id that a callback brought, for a submit whose outcome nobody knows."""
    return session.exec(
        select(CallbackReceipt.remote_id)
        .where(CallbackReceipt.generation_id == generation_id, CallbackReceipt.provider == provider)
        .order_by(col(CallbackReceipt.id).desc())
    ).first()


def _count(session: Session, generation_id: UUID) -> int:
    return session.exec(select(func.count()).where(CallbackReceipt.generation_id == generation_id)).one()


def _keep(session: Session, generation_id: UUID, provider: ProviderName, remote_id: str, body: bytes) -> int:
    """Keep a receipt once; how often it came."""
    receipt = insert(CallbackReceipt).values(
        generation_id=generation_id,
        provider=provider,
        remote_id=remote_id,
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        deliveries=1,
    )
    statement = receipt.on_conflict_do_update(
        index_elements=["generation_id", "body_sha256"], set_={"deliveries": CallbackReceipt.deliveries + 1}
    ).returning(col(CallbackReceipt.deliveries))
    deliveries: int = session.execute(statement).scalar_one()
    return deliveries


def _note(session: Session, generation: Generation, remote_id: str, deliveries: int) -> None:
    """Show on the timeline what changes nothing: a repeat, once, and what comes after the end."""
    data = {"provider": generation.provider, "remote_id": remote_id}
    if deliveries == 1 and generation.stage in TERMINAL:
        timeline.note(session, generation.id, EventName.CALLBACK_LATE, data)
    if deliveries == _TWICE:
        timeline.note(session, generation.id, EventName.CALLBACK_REPEATED, data)
