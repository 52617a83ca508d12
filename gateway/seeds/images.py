"""`/image`: order an image and wait for it, ask for an image later."""

from uuid import UUID

from fastapi import Request, Response

from gateway.authentication import customers_router
from gateway.conditions import ConditionHeaders
from gateway.dependencies import ServicesOf
from gateway.head import IsHead
from gateway.json_body import RequireJson
from gateway.ordering import IdempotencyKeyHeader
from gateway.seeds.answers import ImageAnswer, MediaAnswer
from gateway.seeds.described import FILE, FOUND, accepted
from gateway.seeds.forms import GenerateImage
from gateway.seeds.media import NamedCustomer, order_media, read_media, save_media
from schemas.enums import Door, Kind

router = customers_router("/image", Door.SEEDS)


@router.post(
    "/generate",
    summary="Make an image",
    dependencies=[RequireJson],
    response_model=ImageAnswer,
    responses=accepted(ImageAnswer),
)
async def generate_image(
    wanted: GenerateImage,
    request: Request,
    services: ServicesOf,
    idempotency_key: IdempotencyKeyHeader = None,
) -> Response:
    """Accepts an order for an image, or for several, and answers as `/video/generate` does."""
    return await order_media(wanted, request, services, idempotency_key)


@router.get("/{image_id}", summary="See how an image stands, or several", response_model=ImageAnswer, responses=FOUND)
async def get_image(image_id: UUID, request: Request, services: ServicesOf, customer: NamedCustomer) -> MediaAnswer:
    """Returns the answer of `/image/generate` as it is now: by the id of an image, or of an order of several."""
    return await read_media(Kind.IMAGE, image_id, request, services, customer)


@router.get("/{image_id}/download", summary="Save an image", response_class=Response, responses=FILE)
def download_image(
    image_id: UUID, services: ServicesOf, customer: NamedCustomer, conditions: ConditionHeaders, is_head: IsHead
) -> Response:
    """Delivers the image as a file to save: by a link if possible, otherwise as a stream. Of several: the first."""
    return save_media(Kind.IMAGE, image_id, services, customer, conditions, is_head=is_head)
