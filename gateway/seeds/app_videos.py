"""`/api/video` and `/api/get-video-status`: order a video by one call, and poll for it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from gateway import content
from gateway.authentication import TheCaller, TheCustomer, customers_router
from gateway.conditions import ConditionHeaders
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.head import IsHead
from gateway.json_body import BODY_KINDS, RequireJson
from gateway.openapi import Responses
from gateway.ordering import ORDER_KINDS, IdempotencyKeyHeader
from gateway.problems import AssetExpired, NoResult, RangeNotSatisfiable
from gateway.public_links import PublicLinks
from gateway.renamed import renamed
from gateway.seeds.app_errors import video_refusals
from gateway.seeds.app_forms import DEFAULTS, NAMES, VideoJob, VideoRequest, VideoState
from gateway.seeds.app_states import video_state
from gateway.seeds.nearest import take_nearest
from gateway.streaming import STREAMED
from gateway.waiting import find
from gateway.warnings import WARNING, warning_header
from intake.digests import value_of
from providers.catalogue import Change
from schemas.enums import Door, Kind
from schemas.errors import NotFound, NotReady, RequestError, Unauthenticated
from schemas.tables import Generation
from storage import generations
from storage.customers import ActingCustomer

router = customers_router("/api", Door.SEEDS)

_ACCEPTED: Responses = {
    200: {
        "description": "The video is ordered, now or by an earlier request with the same key",
        "headers": {
            WARNING: {"description": "the settings that the model cannot do", "schema": {"type": "string"}},
            "Idempotency-Replayed": {
                "description": "`true` if an earlier request ordered the video",
                "schema": {"type": "string"},
            },
        },
    },
    **video_refusals(*BODY_KINDS, *ORDER_KINDS),
}

_FOUND: Responses = {200: {"description": "The video"}, **video_refusals(Unauthenticated, NotFound)}

_FILE: Responses = {
    **STREAMED,
    302: {"description": "A link that works for at least an hour, without an API key"},
    **video_refusals(Unauthenticated, NotFound, NotReady, NoResult, AssetExpired, RangeNotSatisfiable),
}


@router.post("/video/generate", summary="Order a video", dependencies=[RequireJson], responses=_ACCEPTED)
async def generate_video(
    wanted: VideoRequest,
    response: Response,
    services: ServicesOf,
    caller: TheCaller,
    idempotency_key: IdempotencyKeyHeader = None,
) -> VideoJob:
    """Accepts an order for one video, and holds its price in credits.

    A setting that the model cannot do becomes the nearest one, and a header names the setting. After 300 s without a
    video the job fails, and the credits come back.
    """
    order = wanted.as_order()
    request_hash = value_of("api/video/generate", wanted.model_dump(mode="json", exclude_unset=True), {})
    try:
        taken = await take_nearest(
            order, services, caller, request_hash=request_hash, idempotency_key=idempotency_key, defaults=DEFAULTS
        )
    except RequestError as error:
        raise renamed(error, NAMES) from None
    response.headers.update(warning_header(_told(wanted, taken.changes)))
    if not taken.rows:
        response.headers["Idempotency-Replayed"] = "true"
    return VideoJob(job_id=taken.ids[0])


@router.get("/video/{video_id}", summary="See how a video stands", responses=_FOUND)
async def get_video(video_id: UUID, request: Request, services: ServicesOf, customer: TheCustomer) -> VideoState:
    """Returns the status, the stage and the progress, and at the end the links or the reason of the failure."""
    return await _state(services, customer, request, video_id)


@router.get("/get-video-status", summary="See how a video stands, by a parameter", responses=_FOUND)
async def get_video_status(
    video_id: Annotated[UUID, Query(alias="id", description="the job's id")],
    request: Request,
    services: ServicesOf,
    customer: TheCustomer,
) -> VideoState:
    """Returns the same as `GET /api/video/{id}`."""
    return await _state(services, customer, request, video_id)


@router.get("/video/{video_id}/download", summary="Save a video", response_class=Response, responses=_FILE)
def download_video(
    video_id: UUID,
    services: ServicesOf,
    customer: TheCustomer,
    conditions: ConditionHeaders,
    is_head: IsHead,
) -> Response:
    """Delivers the video as a file to save: by a link to the object store if possible, otherwise as a stream."""
    with services.database.transaction() as session:
        _require_video(generations.require(session, video_id, customer_id=customer.id))
    asked = content.Asked(
        services=services, request=None, conditions=conditions, delivery=None, is_head=is_head, is_attachment=True
    )
    return content.deliver_result(asked, customer, video_id)


def _told(wanted: VideoRequest, changes: Sequence[Change]) -> list[Change]:
    """The changes of the fields in the request, by their names here."""
    named = [replace(change, field=NAMES.get(change.field, change.field)) for change in changes]
    return [change for change in named if change.field in wanted.asked]


async def _state(services: GatewayServices, customer: ActingCustomer, request: Request, video_id: UUID) -> VideoState:
    found = await find(video_id, services, customer)
    _require_video(found.generation)
    return video_state(found, services.settings.retention, PublicLinks(services, request))


def _require_video(row: Generation) -> None:
    if row.kind is not Kind.VIDEO:
        raise NotFound(f"you have no video {row.id}")
