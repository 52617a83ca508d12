"""Taking a request in: the row and the hold are one transaction, for both doors."""

import hashlib
from collections.abc import Callable
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
from storage.generations import database_now, find


@dataclass(frozen=True)
class Accepted:
    """A generation that was taken in; `is_new` is false for a repeated request."""

    generation: Generation
    is_new: bool


def accept(
    session: Session,
    customer_id: UUID,
    request: GenerationRequest,
    make_order: Callable[[GenerationRequest], Order],
    pipeline: PipelineSettings,
    *,
    idempotency_key: str | None = None,
) -> Accepted:
    """Insert the generation and hold its credits, in the caller's transaction.

    A repeated request is answered before `make_order` is asked: its model may be retired by now.

    Raises:
        InvalidRequest, ModelRetired: what `make_order` raises.
        NotFound: there is no such customer.
        InsufficientCredits: nothing is inserted.
        IdempotencyMismatch: the key stands for another request.
    """
    if session.get(Customer, customer_id) is None:
        raise NotFound(f"there is no customer {customer_id}")
    identity = _Identity(customer_id, idempotency_key, _hash(request))
    earlier = _find_earlier(session, identity)
    if earlier is not None:
        return Accepted(earlier, is_new=False)
    order = make_order(request)
    row = _new_row(session, identity, order, pipeline)
    inserted = session.execute(
        insert(Generation)
        .values(**row.model_dump(exclude_none=True))
        .on_conflict_do_nothing(index_elements=["customer_id", "idempotency_key"])
        .returning(col(Generation.id))
    ).one_or_none()
    if inserted is None:
        # The same request, sent twice at once: the other one was faster.
        return Accepted(_existing(_find_earlier(session, identity)), is_new=False)
    session.add(Event(generation_id=row.id, stage=Stage.QUEUED, data={"credits": order.credits}))
    ledger.hold(session, customer_id, row.id, order.credits)
    return Accepted(_existing(find(session, row.id)), is_new=True)


@dataclass(frozen=True)
class _Identity:
    """What makes two requests the same."""

    customer_id: UUID
    idempotency_key: str | None
    request_hash: str


def _hash(request: GenerationRequest) -> str:
    # Without defaults: a field that a later release adds must not make an old request another one.
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode()).hexdigest()


def _new_row(session: Session, identity: _Identity, order: Order, pipeline: PipelineSettings) -> Generation:
    now = database_now(session)
    deadline_seconds = order.deadline_seconds or pipeline.deadline_seconds
    return Generation(
        id=uuid4(),
        customer_id=identity.customer_id,
        idempotency_key=identity.idempotency_key,
        request_hash=identity.request_hash,
        kind=order.kind,
        model=order.model,
        order=order.model_dump(mode="json"),
        credits=order.credits,
        # The wake-up goes out right after the commit; this is when somebody looks if it was lost.
        wake_at=now + timedelta(seconds=pipeline.resend_after_seconds),
        deadline_at=now + timedelta(seconds=deadline_seconds),
        provider=order.routes[0].provider,
    )


def _find_earlier(session: Session, identity: _Identity) -> Generation | None:
    if identity.idempotency_key is None:
        return None
    earlier = session.exec(
        select(Generation).where(
            Generation.customer_id == identity.customer_id, Generation.idempotency_key == identity.idempotency_key
        )
    ).one_or_none()
    if earlier is not None and earlier.request_hash != identity.request_hash:
        raise IdempotencyMismatch(
            "this idempotency key was used for another request: send a new key with a new request, "
            "or the same body to get the same generation"
        )
    return earlier


def _existing(generation: Generation | None) -> Generation:
    if generation is None:
        raise ValueError("a generation that was just there is gone")
    return generation
