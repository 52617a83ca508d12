"""Accepts orders: the generation's row and the hold are one transaction, for HTTP and for Redis."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from schemas.errors import GenerationDeleted, IdempotencyMismatch, NotFound
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.settings import PipelineSettings
from schemas.tables import Generation
from storage import earlier_generations, ledger, transitions, uploads
from storage.ledger import Spender
from storage.sql import Sql, returns


@dataclass(frozen=True)
class AcceptedOrder:
    """The generation of an accepted order."""

    generation: Generation
    """The row."""
    is_new: bool
    """False if the request repeats an earlier request."""


def accept(
    sql: Sql,
    customer_id: UUID,
    request: GenerationRequest,
    make_order: Callable[[GenerationRequest, Facts], Order],
    pipeline: PipelineSettings,
    *,
    spender: Spender | None = None,
    idempotency_key: str | None = None,
) -> AcceptedOrder:
    """Insert the generation and hold its credits, in the caller's transaction.

    A repeated request returns the earlier generation without a call of `make_order`, because the model may be retired
    and the inputs may be deleted by now.

    Args:
        request: a request without `data:` URIs (see `intake.data_uris`). Its uploads are kept for the generation.
        make_order: completes and prices the request. Its second argument is the facts about the input files.
        spender: the API key of the order. None: an order without a key, through the Redis door.

    Raises:
        InvalidRequest, ModelRetired: from `make_order`. InvalidRequest also for a missing upload or generation.
        NotFound: there is no such customer, or a live customer's order leads to the sandbox, or the reverse.
        InsufficientCredits: the customer has too few credits. Nothing is inserted.
        CapReached: the API key may not spend so much today. Nothing is inserted.
        IdempotencyMismatch: the key was used for another request.
        GenerationDeleted: the key made a generation that the customer has deleted.
    """
    identity = _Identity(customer_id, idempotency_key, _hash(request))
    earlier = _find_earlier(sql, identity)
    if earlier is not None:
        return AcceptedOrder(earlier, is_new=False)
    facts = {**uploads.lock(sql, customer_id, request), **earlier_generations.facts(sql, customer_id, request)}
    order = make_order(request, facts)
    generation = _insert(sql, identity, order, pipeline)
    if generation is None:
        # Another transaction accepted the same request at the same time, or the customer does not exist.
        earlier = _find_earlier(sql, identity)
        if earlier is None:
            raise NotFound(f"there is no customer {customer_id}")
        return AcceptedOrder(earlier, is_new=False)
    uploads.keep(sql, facts, deadline_at=generation.deadline_at)
    ledger.hold(sql, customer_id, generation.id, order.credits, spender)
    return AcceptedOrder(generation, is_new=True)


def require_credits(
    sql: Sql,
    customer_id: UUID,
    request: GenerationRequest,
    least_price: Callable[[GenerationRequest], int],
    *,
    idempotency_key: str | None,
) -> None:
    """Check that the customer can pay for a request, before its files are read. Only the hold makes sure.

    A request that repeats an earlier request needs no credits, so a request with a known key passes.

    Raises:
        InvalidRequest, ModelRetired, ModelPaused: from `least_price`.
        NotFound: there is no such customer.
        InsufficientCredits: the customer has too few credits.
    """
    is_known = idempotency_key is not None and sql.first(
        _KEY_IS_KNOWN, customer_id=customer_id, idempotency_key=idempotency_key
    )
    if not is_known:
        ledger.require(sql, customer_id, least_price(request))


_KEY_IS_KNOWN = returns(bool)(
    "SELECT true FROM generations WHERE customer_id = %(customer_id)s AND idempotency_key = %(idempotency_key)s"
)


@dataclass(frozen=True)
class _Identity:
    """The values that tell a repeated request from a new one."""

    customer_id: UUID
    """The customer."""
    idempotency_key: str | None
    """The customer's key. None: the request is always new."""
    request_hash: str
    """The SHA-256 of the request."""


def _hash(request: GenerationRequest) -> str:
    # Defaults are left out: a field that a later release adds must not change the hash of an old request.
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode()).hexdigest()


def _insert(sql: Sql, identity: _Identity, order: Order, pipeline: PipelineSettings) -> Generation | None:
    """Insert the row with its first event. None if the request was accepted before or the customer does not exist."""
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
    if earlier is not None and earlier.deleted_at is not None:
        raise GenerationDeleted(
            f"this idempotency key made generation {earlier.id}, which you have deleted: "
            "send a new key to order it once more"
        )
    return earlier
