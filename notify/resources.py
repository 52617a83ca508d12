"""Converts stored generations to API resources. Only the fields named here are public.

Leases, remote ids and vendors' URLs stay internal.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from notify.variant_resources import variant_resources
from schemas.api import (
    AssetResource,
    CreditsResource,
    GenerationCredits,
    GenerationFailure,
    GenerationInputs,
    GenerationLinks,
    GenerationOutcome,
    GenerationResource,
    PlannedVideoResource,
)
from schemas.causes import CONSEQUENCES, cause_of_cancel, cause_of_failure
from schemas.enums import AssetRole, ErrorCode, Stage, TransferKind
from schemas.orders import Order
from schemas.queue_api import QueuePlace
from schemas.setting_groups import RetentionSettings
from schemas.stages import status_of
from schemas.tables import Asset, Generation
from storage import assets
from storage.details import Details
from storage.ledger import Balance


def path_of(generation_id: UUID) -> str:
    """The path of a generation in the API."""
    return f"/v1/generations/{generation_id}"


def generation_resource(
    details: Details, retention: RetentionSettings, queue: QueuePlace | None = None
) -> GenerationResource:
    """The API resource of a generation.

    Args:
        retention: says for how long files are kept here.
        queue: where the generation stands before its provider.
    """
    row = details.generation
    order = Order.model_validate(row.order)
    return GenerationResource.model_validate(
        {
            "id": row.id,
            "status": status_of(row.stage),
            "stage": row.stage,
            "progress": row.progress,
            "kind": row.kind,
            "model": row.model,
            "requested_model": order.requested_model,
            "provider": row.provider,
            "priority": order.priority.word,
            "not_before": order.not_before,
            "start_by": row.created_at and order.start_by(row.created_at),
            "batch_id": details.batch_id,
            "retry_of": details.retry_of,
            "retried_by": details.retried_by,
            "preview_of": planned_resource(order),
            "continuation_of": order.continuation_of,
            "continued_by": details.continued_by,
            "inputs": GenerationInputs.model_validate(order.inputs),
            "credits": credits_of(row.credits, details.moved),
            "queue": queue,
            "error": failure_of(row),
            "outcome": outcome_of(details),
            "cancel_requested_at": row.cancel_requested_at,
            "assets": [_asset(asset, retention) for asset in details.assets],
            "variants": variant_resources(
                row, order, details.variants, path_of(row.id), is_kept=_has_result(details, retention)
            ),
            "downloads": details.downloads,
            "reference": order.reference,
            "metadata": order.metadata,
            "callback_url": order.callback_url,
            "rating": row.rating,
            "created_at": row.created_at,
            "updated_at": max(moment for moment in (row.updated_at, row.stage_at) if moment),
            "started_at": row.started_at,
            "deadline_at": row.deadline_at,
            "finished_at": row.finished_at,
            "render_seconds": _seconds_between(row.started_at, row.rendered_at),
            "provider_seconds": row.provider_seconds,
            "lost_runs": len(row.lost_runs),
            "links": _links(details, retention),
        }
    )


def planned_resource(order: Order) -> PlannedVideoResource | None:
    """The API resource of the video that a preview is of. None: the order is no preview."""
    video = order.preview_of
    if video is None:
        return None
    inputs = GenerationInputs.model_validate(video.inputs)
    return PlannedVideoResource(
        model=video.model, text_to_video=video.text_to_video, credits=video.credits, inputs=inputs
    )


def credits_resource(balance: Balance) -> CreditsResource:
    """The API resource of a customer's credits."""
    return CreditsResource(available=balance.available, held=balance.held)


def failure_of(row: Generation) -> GenerationFailure | None:
    """The error of a failed generation; None for any other."""
    if row.error_code is None:
        return None
    return GenerationFailure(code=row.error_code, message=row.error_message or "")


def outcome_of(details: Details) -> GenerationOutcome | None:
    """The consequence of a failure or a cancellation; None for any other generation."""
    row = details.generation
    is_charged = TransferKind.CAPTURE in details.moved
    return outcome_of_end(row.stage, row.error_code, was_accepted=row.remote_id is not None, is_charged=is_charged)


def outcome_of_end(
    stage: Stage, code: ErrorCode | None, *, was_accepted: bool, is_charged: bool
) -> GenerationOutcome | None:
    """The consequence of a failure or a cancellation; None in any other stage.

    Args:
        code: the reason of a failure.
        was_accepted: whether a provider accepted the work.
        is_charged: whether the credits were taken.
    """
    if code is not None:
        cause = cause_of_failure(code, was_accepted=was_accepted)
    elif stage is Stage.CANCELLED:
        cause = cause_of_cancel(was_accepted=was_accepted)
    else:
        return None
    consequence = CONSEQUENCES[cause]
    return GenerationOutcome(
        cause=cause, charged=is_charged, retryable=consequence.is_retryable, message=consequence.words
    )


def _asset(asset: Asset, retention: RetentionSettings) -> AssetResource:
    ends = {"expires_at": assets.expires_at(asset, retention), "expired_at": assets.gone_at(asset, retention)}
    return AssetResource.model_validate(asset.model_dump() | ends)


def _seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    # A second route starts again; its end is yet to come.
    return round((end - start).total_seconds(), 3) if start and end and end >= start else None


def credits_of(price: int, moved: Mapping[TransferKind, int]) -> GenerationCredits:
    """The credits of a generation, or of a batch, by the credits of each kind of transfer."""
    captured, released = moved.get(TransferKind.CAPTURE, 0), moved.get(TransferKind.RELEASE, 0)
    return GenerationCredits(
        price=price,
        held=moved.get(TransferKind.HOLD, 0) - captured - released,
        captured=captured,
        released=released,
    )


def _has_result(details: Details, retention: RetentionSettings) -> bool:
    return any(asset.role is AssetRole.RESULT and assets.gone_at(asset, retention) is None for asset in details.assets)


def _links(details: Details, retention: RetentionSettings) -> GenerationLinks:
    kept = {asset.role for asset in details.assets if assets.gone_at(asset, retention) is None}
    return links_of(details.generation.id, kept if details.generation.stage is Stage.COMPLETED else ())


def links_of(generation_id: UUID, kept: Collection[AssetRole]) -> GenerationLinks:
    """The links of a generation.

    Args:
        kept: the files that the customer gets.
    """
    path = path_of(generation_id)
    return GenerationLinks(
        self=path,
        content=f"{path}/content" if AssetRole.RESULT in kept else None,
        thumbnail=f"{path}/thumbnail" if AssetRole.POSTER in kept else None,
    )
