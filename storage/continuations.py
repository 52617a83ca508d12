"""Orders the video of a preview: once, however often the customer asks."""

import hashlib
from collections.abc import Callable
from uuid import UUID

from schemas.enums import Stage
from schemas.errors import GenerationDeleted, InvalidRequest, NotContinuable, NotFinished
from schemas.inputs import Facts, generation_url
from schemas.orders import GenerationRequest, Order
from schemas.reordering import named_as, video_request_of
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
    preview_id: UUID,
    make_order: Callable[[GenerationRequest, Facts], Order],
    pipeline: PipelineSettings,
    *,
    spender: Spender | None = None,
    idempotency_key: str | None = None,
) -> AcceptedOrder:
    """Accept the video of a preview in the caller's transaction. A preview has one video: a second call returns it.

    Raises:
        NotFound: the customer has no such generation.
        NotFinished: the preview has not ended.
        NotContinuable: the generation is no preview, or its picture is not there.
        GenerationDeleted: the customer has deleted the video.
        RequestError: as from `acceptance.accept`.
    """
    request_hash = hashlib.sha256(f"continue {preview_id}".encode()).hexdigest()
    identity = acceptance.Identity(customer_id, idempotency_key, request_hash)
    alone(sql, f"continue {preview_id}")
    after_the_release_before(sql, preview_id)
    preview = sql.first(_PREVIEW, preview_id=preview_id, customer_id=customer_id)
    if preview is None:
        raise generations.not_found(preview_id)
    # A key of this request has made the video of the preview, too. If the video is deleted, a new key does not help.
    acceptance.with_key(sql, identity)
    if earlier := _video_of(sql, preview_id):
        return AcceptedOrder(earlier, is_new=False)
    request = _request(preview)
    facts = _facts(sql, customer_id, request)
    order = named_as(make_order(request, facts), Order.model_validate(preview.order))
    order = order.model_copy(update={"continuation_of": preview_id})
    accepted = acceptance.insert(sql, identity, [order], facts, pipeline, spender)
    if not accepted:
        raise acceptance.not_inserted(sql, identity)
    sql.run(_LINK, preview_id=preview_id, video_id=accepted[0].id)
    return AcceptedOrder(accepted[0], is_new=True)


def _video_of(sql: Sql, preview_id: UUID) -> Generation | None:
    video = sql.first(_VIDEO, preview_id=preview_id)
    if video is not None and video.deleted_at is not None:
        raise GenerationDeleted(
            f"this preview made generation {video.id}, which you have deleted: retry the preview for another video, "
            f"or order one with {generation_url(preview_id)} among its image_urls"
        )
    return video


def _request(preview: Generation) -> GenerationRequest:
    """The request for the video of a preview that is completed."""
    order = Order.model_validate(preview.order)
    if order.preview_of is None:
        raise NotContinuable("this generation is no preview: only an order with `preview: true` makes one")
    if preview.stage not in TERMINAL:
        raise NotFinished(f"the preview is {status_of(preview.stage)}: continue it once it is completed")
    if preview.stage is not Stage.COMPLETED:
        end = "has failed" if preview.stage is Stage.FAILED else "was cancelled"
        raise NotContinuable(f"the preview {end}: retry it, and continue the new one")
    return video_request_of(order, order.preview_of, generation_url(preview.id))


def _facts(sql: Sql, customer_id: UUID, request: GenerationRequest) -> Facts:
    try:
        return acceptance.facts_about(sql, customer_id, request.input_files())
    except InvalidRequest:
        text = "the picture of this preview was deleted when its time was over: retry it, and continue the new one"
        raise NotContinuable(text) from None


_PREVIEW = returns(Generation)("""
    SELECT {columns} FROM generations
    WHERE id = %(preview_id)s AND customer_id = %(customer_id)s AND deleted_at IS NULL
""")

_VIDEO = returns(Generation)("""
    SELECT {columns} FROM generations WHERE id = (SELECT video_id FROM continuations WHERE preview_id = %(preview_id)s)
""")

_LINK = "INSERT INTO continuations (preview_id, video_id) VALUES (%(preview_id)s, %(video_id)s)"
