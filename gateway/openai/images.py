"""`/openai/v1/images`: makes and edits images. The request is the wait, as OpenAI's clients expect."""

from typing import Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import Request
from fastapi.responses import Response

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.form_files import hashes_of, open_form, store_files
from gateway.json_body import BODY_KINDS, RequireJson
from gateway.openai.errors import MayBeRecorded, openai_errors
from gateway.openai.image_answers import ImagesAnswer
from gateway.openai.image_calls import served
from gateway.openai.image_errors import ImageFailed, ImageRefused, ImageUnfinished
from gateway.openai.image_forms import MOST_FILES, EditFields, read_edit
from gateway.openai.image_orders import ImageFields, ImageOrder, image_order
from gateway.openai.ordering import earlier_order
from gateway.openai.retries import digest_of
from gateway.openapi import Responses
from gateway.ordering import LOCATION, ORDER_KINDS, IdempotencyKeyHeader
from gateway.preferences import Prefer, wait_of
from gateway.problems import AssetExpired, NoResult
from gateway.warnings import WARNING
from intake.digests import Digest
from schemas.enums import Door
from schemas.inputs import upload_url
from storage.batches import EarlierOrder

EDITS: Final = "/openai/v1/images/edits"

router = customers_router("/openai/v1/images", Door.OPENAI)

_MADE: Responses = {
    200: {
        "description": "The images, made now or by an earlier request that this one repeats",
        "model": ImagesAnswer,
        "headers": {
            "Idempotency-Replayed": LOCATION["Idempotency-Replayed"],
            WARNING: {
                "description": "the settings that the images do not have as asked for",
                "schema": {"type": "string"},
            },
        },
    },
    **openai_errors(
        *BODY_KINDS, *ORDER_KINDS, MayBeRecorded, ImageRefused, ImageFailed, ImageUnfinished, NoResult, AssetExpired
    ),
}


_EXAMPLE = {"model": "nano-banana-edit", "prompt": "the same at night", "image": "https://pictures.example/1.png"}


def _form() -> dict[str, Any]:
    """The description of the form. FastAPI does not read it: the key is checked, and a place taken, before the body."""
    schema = EditFields.model_json_schema()
    one = {
        "anyOf": [
            {"type": "string", "format": "binary"},
            {"type": "string", "description": "a text, as in `image_urls`"},
        ]
    }
    schema["properties"]["image"] = {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}
    schema["required"] = ["image", "prompt"]
    schema.pop("examples")
    form = {"schema": schema, "example": _EXAMPLE}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": form}}}


@router.post("/generations", summary="Make images", dependencies=[RequireJson], responses=_MADE)
async def generate_images(
    fields: ImageFields,
    request: Request,
    services: ServicesOf,
    idempotency_key: IdempotencyKeyHeader = None,
    prefer: Prefer = None,
) -> Response:
    """Makes up to ten images, and answers when all have ended.

    After the operator's time, or after the seconds of `Prefer: wait`, the answer is a 504 with the ids of the
    generations. They are still being made: do not send the request again.
    """
    digest = digest_of(request, "images.generate", fields.as_sent())
    seconds = wait_of(request, prefer) or services.settings.openai.image_wait_seconds
    order, earlier = image_order(fields), await earlier_order(request, digest, idempotency_key=idempotency_key)
    return await served(request, order, digest, earlier, idempotency_key=idempotency_key, seconds=seconds)


@router.post("/edits", summary="Edit images", openapi_extra=_form(), responses=_MADE)
async def edit_images(
    request: Request,
    services: ServicesOf,
    customer: TheCustomer,
    idempotency_key: IdempotencyKeyHeader = None,
    prefer: Prefer = None,
) -> Response:
    """Makes images from images, and answers as the making of images does. No model takes a `mask`."""
    # The request waits for long, so nothing of the form stays in memory.
    order, digest, earlier = await _edit(request, services, customer.id, idempotency_key)
    seconds = wait_of(request, prefer) or services.settings.openai.image_wait_seconds
    return await served(request, order, digest, earlier, idempotency_key=idempotency_key, seconds=seconds)


async def _edit(
    request: Request, services: GatewayServices, customer_id: UUID, idempotency_key: str | None
) -> tuple[ImageOrder, Digest, EarlierOrder | None]:
    """The order of an edit, with its files as uploads, the digest of the order, and the order that it repeats."""
    async with open_form(request, services, customer_id, most_files=MOST_FILES) as form:
        edit = await to_thread.run_sync(read_edit, form, services.settings.inputs)
        digest = digest_of(request, "images.edit", edit.fields.as_sent(), await hashes_of(edit.files, services))
        earlier = await earlier_order(request, digest, idempotency_key=idempotency_key)
        uploads = [] if earlier else await store_files(edit.files, services, customer_id)
    order = image_order(edit.fields, [*map(upload_url, [each.id for each in uploads]), *edit.fields.image])
    return order, digest, earlier
