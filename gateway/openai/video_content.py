"""`GET /openai/v1/videos/{id}/content`: the file of a video, or a still picture of it."""

from enum import StrEnum
from typing import Annotated

from fastapi import Query, Response

from gateway.authentication import TheCustomer, customers_router
from gateway.conditions import ConditionHeaders
from gateway.content import Asked, Delivery, asset_of, deliver, deliver_variant, note_download
from gateway.dependencies import ServicesOf
from gateway.head import IsHead
from gateway.openai.errors import openai_errors
from gateway.openai.video_ids import VIDEOS, VideoId
from gateway.openai.video_lookup import require_video
from gateway.openapi import Responses
from gateway.problems import AssetExpired, NoResult, RangeNotSatisfiable
from gateway.streaming import STREAMED
from schemas.enums import AssetRole, Door
from schemas.errors import InvalidRequest, NotFound, NotReady, VariantNotReady
from schemas.variants import FilePart, VariantKind

router = customers_router(VIDEOS, Door.OPENAI)


class Variant(StrEnum):
    """A file of a video."""

    VIDEO = "video"
    """The video itself."""

    THUMBNAIL = "thumbnail"
    """A still picture."""

    SPRITESHEET = "spritesheet"
    """A sheet of still pictures, of a video that was ordered with sprites."""


_RESPONSES: Responses = {
    **STREAMED,
    302: {"description": "With `delivery=redirect`: a link that works for at least an hour, without an API key"},
    **openai_errors(NotFound, NotReady, NoResult, VariantNotReady, AssetExpired, RangeNotSatisfiable, InvalidRequest),
}

VariantQuery = Annotated[
    Variant, Query(description="`video`, `thumbnail`, or `spritesheet` of a video that was ordered with sprites")
]
DeliveryQuery = Annotated[
    Delivery,
    Query(description="`stream`: the bytes; `redirect`: a link to the object store, if customers can reach it"),
]


@router.get("/{video_id}/content", summary="Fetch a video", response_class=Response, responses=_RESPONSES)
def get_content(
    video_id: VideoId,
    services: ServicesOf,
    customer: TheCustomer,
    conditions: ConditionHeaders,
    is_head: IsHead,
    variant: VariantQuery = Variant.VIDEO,
    delivery: DeliveryQuery = Delivery.STREAM,
) -> Response:
    """Streams the file. Supports `Range`."""
    generation_id = require_video(video_id, services, customer)
    if variant is Variant.SPRITESHEET:
        asked = Asked(services=services, request=None, conditions=conditions, delivery=delivery, is_head=is_head)
        # A kind, not a name: the customer may have named the sprites.
        return deliver_variant(asked, customer, generation_id, VariantKind.SPRITES, FilePart.MEDIA)
    role = AssetRole.RESULT if variant is Variant.VIDEO else AssetRole.POSTER
    asset = asset_of(services, customer, generation_id, role)
    answer = deliver(services, asset, delivery, conditions, is_head=is_head)
    if role is AssetRole.RESULT and not is_head:
        note_download(services, generation_id, answer, conditions)
    return answer
