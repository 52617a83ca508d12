"""`/video`: order a video and wait for it, extend a video, ask for a video later."""

from uuid import UUID

from fastapi import Request, Response

from gateway.authentication import customers_router
from gateway.conditions import ConditionHeaders
from gateway.dependencies import ServicesOf
from gateway.head import IsHead
from gateway.json_body import RequireJson
from gateway.ordering import IdempotencyKeyHeader
from gateway.seeds.answers import MediaAnswer, VideoAnswer
from gateway.seeds.described import FILE, FOUND, accepted
from gateway.seeds.errors import NotImplementedHere
from gateway.seeds.forms import ExtendVideo, GenerateVideo
from gateway.seeds.media import NamedCustomer, order_media, read_media, save_media
from schemas.enums import Door, Kind

router = customers_router("/video", Door.SEEDS)


@router.post(
    "/generate",
    summary="Make a video",
    dependencies=[RequireJson],
    response_model=VideoAnswer,
    responses=accepted(VideoAnswer),
)
async def generate_video(
    wanted: GenerateVideo,
    request: Request,
    services: ServicesOf,
    idempotency_key: IdempotencyKeyHeader = None,
) -> Response:
    """Accepts an order for a video, or for several, and answers when the videos are stored.

    After `poll_timeout_seconds`, the answer is a 202 that says where to ask. A setting that the model cannot do becomes
    the nearest one, and a header names the setting.
    """
    return await order_media(wanted, request, services, idempotency_key)


@router.post(
    "/extend",
    summary="Extend a video",
    dependencies=[RequireJson],
    response_model=VideoAnswer,
    responses=accepted(VideoAnswer, NotImplementedHere),
)
async def extend_video(
    wanted: ExtendVideo,
    request: Request,
    services: ServicesOf,
    idempotency_key: IdempotencyKeyHeader = None,
) -> Response:
    """Accepts an order for a video that goes on where another one ends, and answers as `/video/generate`.

    Not every model extends videos: a 501 names those that do.
    """
    return await order_media(wanted, request, services, idempotency_key)


@router.get("/{video_id}", summary="See how a video stands, or several", response_model=VideoAnswer, responses=FOUND)
async def get_video(video_id: UUID, request: Request, services: ServicesOf, customer: NamedCustomer) -> MediaAnswer:
    """Returns the answer of `/video/generate` as it is now: by the id of a video, or of an order of several."""
    return await read_media(Kind.VIDEO, video_id, request, services, customer)


@router.get("/{video_id}/download", summary="Save a video", response_class=Response, responses=FILE)
def download_video(
    video_id: UUID, services: ServicesOf, customer: NamedCustomer, conditions: ConditionHeaders, is_head: IsHead
) -> Response:
    """Delivers the video as a file to save: by a link if possible, otherwise as a stream. Of several: the first."""
    return save_media(Kind.VIDEO, video_id, services, customer, conditions, is_head=is_head)
