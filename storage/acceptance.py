"""Taking a request in: the row and the hold are one transaction, for both doors."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from schemas.enums import Stage
from schemas.errors import IdempotencyMismatch, NotFound
from schemas.orders import GenerationRequest, Order
from schemas.settings import PipelineSettings
from schemas.tables import Customer, Event, Generation
from storage import ledger
from storage.generations import database_now


@dataclass(frozen=True)
class Accepted:
    """A generation that was taken in; `is_new` is false for a repeated request."""

    generation: Generation
    is_new: bool


def accept(
    session: Session,
    customer_id: UUID,
    request: GenerationRequest,
    order: Order,
    pipeline: PipelineSettings,
    *,
    idempotency_key: str | None = None,
) -> Accepted:
    """Insert the generation and hold its credits, in the caller's transaction.

    Raises:
        NotFound: there is no such customer.
        InsufficientCredits: nothing is inserted.
        IdempotencyMismatch: the key stands for another request.
    """
    if session.get(Customer, customer_id) is None:
        raise NotFound(f"there is no customer {customer_id}")
    generation = _new_row(session, customer_id, request, order, pipeline, idempotency_key)
    inserted = session.execute(
        insert(Generation)
        .values(**generation.model_dump(exclude_none=True))
        .on_conflict_do_nothing(index_elements=["customer_id", "idempotency_key"])
        .returning(col(Generation.id))
    ).one_or_none()
    if inserted is None:
        return Accepted(_the_earlier(session, generation), is_new=False)
    session.add(Event(generation_id=generation.id, stage=Stage.QUEUED, data={"credits": order.credits}))
    ledger.hold(session, customer_id, generation.id, order.credits)
    return Accepted(session.exec(select(Generation).where(Generation.id == generation.id)).one(), is_new=True)


def _new_row(
    session: Session,
    customer_id: UUID,
    request: GenerationRequest,
    order: Order,
    pipeline: PipelineSettings,
    idempotency_key: str | None,
) -> Generation:
    now = database_now(session)
    deadline_seconds = order.deadline_seconds or pipeline.deadline_seconds
    return Generation(
        id=uuid4(),
        customer_id=customer_id,
        idempotency_key=idempotency_key,
        request_hash=hashlib.sha256(request.model_dump_json().encode()).hexdigest(),
        kind=order.kind,
        model=order.model,
        order=order.model_dump(mode="json"),
        credits=order.credits,
        # The wake-up goes out right after the commit; this is when somebody looks if it was lost.
        wake_at=now + timedelta(seconds=pipeline.resend_after_seconds),
        deadline_at=now + timedelta(seconds=deadline_seconds),
        provider=order.routes[0].provider,
    )


def _the_earlier(session: Session, repeat: Generation) -> Generation:
    earlier = session.exec(
        select(Generation).where(
            Generation.customer_id == repeat.customer_id, Generation.idempotency_key == repeat.idempotency_key
        )
    ).one()
    if earlier.request_hash != repeat.request_hash:
        raise IdempotencyMismatch(
            "this Idempotency-Key was used for another request: send a new key with a new request, "
            "or the same body to get the same generation"
        )
    return earlier
