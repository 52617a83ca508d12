"""Orders a generation that has ended once more: the same order at the price of today."""

import hashlib
from collections.abc import Callable
from uuid import UUID

from schemas.errors import NotFinished, NotFound
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import PipelineSettings
from schemas.stages import TERMINAL, status_of
from schemas.tables import Generation
from storage import acceptance, generations
from storage.acceptance import AcceptedOrder
from storage.ledger import Spender
from storage.sql import Sql, returns


def accept(
    sql: Sql,
    customer_id: UUID,
    generation_id: UUID,
    make_order: Callable[[GenerationRequest, Facts], Order],
    pipeline: PipelineSettings,
    *,
    spender: Spender | None = None,
    idempotency_key: str | None = None,
) -> AcceptedOrder:
    """Accept a retry in the caller's transaction. Without a key, a second retry returns the first one.

    Raises:
        NotFound: the customer has no such generation.
        NotFinished: the generation has not ended.
        RequestError: as from `acceptance.accept`, for example because an input is gone.
    """
    request_hash = hashlib.sha256(f"retry {generation_id}".encode()).hexdigest()
    identity = acceptance.Identity(customer_id, idempotency_key, request_hash)
    # The lock orders the retries of one generation.
    ended = sql.first(_LOCK, generation_id=generation_id, customer_id=customer_id)
    if ended is None:
        raise generations.not_found(generation_id)
    earlier = acceptance.find_earlier(sql, identity) if idempotency_key else sql.first(_FIRST, retry_of=generation_id)
    if earlier is not None:
        return AcceptedOrder(earlier, is_new=False)
    if ended.stage not in TERMINAL:
        raise NotFinished(f"the generation is {status_of(ended.stage)}: a retry is possible once it has ended")
    first = Order.model_validate(ended.order)
    request = _request_of(first)
    facts = acceptance.facts_about(sql, customer_id, request.input_files())
    again = _as_retry(make_order(request, facts), first, generation_id)
    accepted = acceptance.insert(sql, identity, [again], facts, pipeline, spender)
    if not accepted:
        raise acceptance.mismatch() if idempotency_key else NotFound(f"there is no customer {customer_id}")
    return AcceptedOrder(accepted[0], is_new=True)


_KEPT = {"kind", "model", "start_within", "expires_in", "reference", "metadata", "callback_url"}


def _request_of(order: Order) -> GenerationRequest:
    """The request for the same generation. The prompt contains the text of the style already."""
    inputs = order.inputs.model_dump(exclude={"style", "audio"})
    # The deadline of a model is that of today.
    rest = order.model_dump(include=_KEPT | ({"deadline_seconds"} if order.counts_from_acceptance else set()))
    # Not validated again: limits of a request do not hold for a prompt with a style.
    return GenerationRequest.model_construct(
        **inputs, **rest, generate_audio=order.inputs.audio, priority=order.priority.word
    )


def _as_retry(again: Order, first: Order, generation_id: UUID) -> Order:
    inputs = again.inputs.model_copy(update={"style": first.inputs.style})
    return again.model_copy(
        update={"inputs": inputs, "requested_model": first.requested_model, "retry_of": generation_id}
    )


_LOCK = returns(Generation)("""
    SELECT {columns} FROM generations
    WHERE id = %(generation_id)s AND customer_id = %(customer_id)s AND deleted_at IS NULL FOR NO KEY UPDATE
""")

_FIRST = returns(Generation)("""
    SELECT {columns} FROM generations WHERE id = (
        SELECT generation_id FROM generation_labels WHERE retry_of = %(retry_of)s
        ORDER BY created_at, generation_id LIMIT 1
    )
""")
