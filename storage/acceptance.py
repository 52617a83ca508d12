"""Taking a request in: the row and the hold are one transaction, for both doors."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from schemas.errors import IdempotencyMismatch, NotFound
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.settings import PipelineSettings
from schemas.tables import Generation
from storage import earlier_generations, ledger, transitions, uploads
from storage.sql import Sql, returns


@dataclass(frozen=True)
class AcceptedOrder:
    """A generation that was taken in; `is_new` is false for a repeated request."""

    generation: Generation
    is_new: bool


def accept(
    sql: Sql,
    customer_id: UUID,
    request: GenerationRequest,
    make_order: Callable[[GenerationRequest, Facts], Order],
    pipeline: PipelineSettings,
    *,
    idempotency_key: str | None = None,
) -> AcceptedOrder:
    """Insert the generation and hold its credits, in the caller's transaction.

    A repeated request is answered before `make_order` is asked: its model may be retired by now, its inputs gone.

    Args:
        request: without `data:` URIs (see `intake.data_uris`). Its uploads are kept until the generation is over.
        make_order: is told what is known of the request's input files.

    Raises:
        InvalidRequest, ModelRetired: what `make_order` raises; or an upload or a generation that it names is not there.
        NotFound: there is no such customer.
        InsufficientCredits: nothing is inserted.
        IdempotencyMismatch: the key stands for another request.
    """
    identity = _Identity(customer_id, idempotency_key, _hash(request))
    earlier = _find_earlier(sql, identity)
    if earlier is not None:
        return AcceptedOrder(earlier, is_new=False)
    facts = {**uploads.lock(sql, customer_id, request), **earlier_generations.facts(sql, customer_id, request)}
    order = make_order(request, facts)
    generation = _insert(sql, identity, order, pipeline)
    if generation is None:
        # The same request, sent twice at once: the other one was faster. Or the customer does not exist.
        earlier = _find_earlier(sql, identity)
        if earlier is None:
            raise NotFound(f"there is no customer {customer_id}")
        return AcceptedOrder(earlier, is_new=False)
    uploads.keep(sql, facts, deadline_at=generation.deadline_at)
    ledger.hold(sql, customer_id, generation.id, order.credits)
    return AcceptedOrder(generation, is_new=True)


@dataclass(frozen=True)
class _Identity:
    """What makes two requests the same."""

    customer_id: UUID
    idempotency_key: str | None
    request_hash: str


def _hash(request: GenerationRequest) -> str:
    # Without defaults: a field that a later release adds must not make an old request another one.
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode()).hexdigest()


def _insert(sql: Sql, identity: _Identity, order: Order, pipeline: PipelineSettings) -> Generation | None:
    """The new row with its first event; None if the same request is there already, or its customer is not."""
    new = Generation(
        id=uuid4(), **vars(identity), kind=order.kind, model=order.model, order=order.model_dump(mode="json"),
        credits=order.credits, provider=order.routes[0].provider,
    )  # fmt: skip
    is_new = transitions.insert(
        sql, new, order.model_dump_json(), resend_after=pipeline.resend_after_seconds,
        deadline_after=order.deadline_seconds or pipeline.deadline_seconds,
    )  # fmt: skip
    return new if is_new else None


_FIND_EARLIER = returns(Generation)("""
    SELECT {columns} FROM generations WHERE customer_id = %(customer_id)s AND idempotency_key = %(idempotency_key)s
""")


def _find_earlier(sql: Sql, identity: _Identity) -> Generation | None:
    if identity.idempotency_key is None:
        return None
    earlier = sql.first(_FIND_EARLIER, customer_id=identity.customer_id, idempotency_key=identity.idempotency_key)
    if earlier is not None and earlier.request_hash != identity.request_hash:
        raise IdempotencyMismatch(
            "this idempotency key was used for another request: send a new key with a new request, "
            "or the same body to get the same generation"
        )
    return earlier
