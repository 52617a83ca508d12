"""Orders a generation that has ended once more: the same order at the price of today."""

import hashlib
from collections.abc import Callable
from uuid import UUID

from schemas.errors import NotFinished
from schemas.inputs import NOTHING_KNOWN, Facts
from schemas.orders import GenerationRequest, Order, PlannedVideo
from schemas.reordering import FIRST_FRAME, named_as, planned, request_of, video_request_of
from schemas.setting_groups import PipelineSettings
from schemas.stages import TERMINAL, status_of
from schemas.tables import Generation
from storage import acceptance, generations
from storage.acceptance import AcceptedOrder
from storage.alone import after_the_release_before, alone
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
    alone(sql, f"retry {generation_id}")
    after_the_release_before(sql, generation_id)
    ended = sql.first(_ENDED, generation_id=generation_id, customer_id=customer_id)
    if ended is None:
        raise generations.not_found(generation_id)
    earlier = acceptance.find_earlier(sql, identity) if idempotency_key else sql.first(_FIRST, retry_of=generation_id)
    if earlier is not None:
        return AcceptedOrder(earlier, is_new=False)
    if ended.stage not in TERMINAL:
        raise NotFinished(f"the generation is {status_of(ended.stage)}: a retry is possible once it has ended")
    first = Order.model_validate(ended.order)
    request = request_of(first)
    facts = acceptance.facts_about(sql, customer_id, request.input_files())
    again = named_as(make_order(request, facts), first)
    again = again.model_copy(update={"retry_of": generation_id, "preview_of": _video_of(first, make_order)})
    accepted = acceptance.insert(sql, identity, [again], facts, pipeline, spender)
    if not accepted:
        raise acceptance.not_inserted(sql, identity)
    return AcceptedOrder(accepted[0], is_new=True)


def _video_of(preview: Order, make_order: Callable[[GenerationRequest, Facts], Order]) -> PlannedVideo | None:
    """The same video for a preview that is ordered once more, at the price of today. None: no preview."""
    if preview.preview_of is None:
        return None
    video = make_order(video_request_of(preview, preview.preview_of, FIRST_FRAME), NOTHING_KNOWN)
    return planned(named_as(video, preview), preview.preview_of.text_to_video)


_ENDED = returns(Generation)("""
    SELECT {columns} FROM generations
    WHERE id = %(generation_id)s AND customer_id = %(customer_id)s AND deleted_at IS NULL
""")

_FIRST = returns(Generation)("""
    SELECT {columns} FROM generations WHERE id = (
        SELECT generation_id FROM generation_labels WHERE retry_of = %(retry_of)s
        ORDER BY created_at, generation_id LIMIT 1
    )
""")
