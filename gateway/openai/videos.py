"""`/openai/v1/videos`: make, read and delete videos, as OpenAI's clients do."""

from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openai.bodies import body_of
from gateway.openai.errors import openai_errors
from gateway.openai.ordering import fitted
from gateway.openai.video_answers import POLLED, OpenaiVideo, poll_header, video_answer
from gateway.openai.video_bodies import documented
from gateway.openai.video_creates import Create, created
from gateway.openai.video_fields import VideoFields
from gateway.openai.video_ids import VIDEOS, VideoId, id_of_video
from gateway.openai.video_lookup import find_video, require_video
from gateway.openai.video_orders import video_order
from gateway.openapi import Responses
from gateway.ordering import IdempotencyKeyHeader
from intake.cancelling import cancel
from providers.catalogue.fitting import Fitted
from schemas.enums import Door
from schemas.errors import NotCancellable, NotFinished, NotFound
from schemas.orders import GenerationRequest
from schemas.stages import TERMINAL
from storage import deletion

router = customers_router(VIDEOS, Door.OPENAI)

_FOUND: Responses = {200: {"description": "The video", "headers": POLLED}, **openai_errors(NotFound)}


class OpenaiVideoDeleted(BaseModel):
    """The answer about a deleted video."""

    id: str
    """The id of the video."""
    object: Literal["video.deleted"] = "video.deleted"
    """The type of this resource."""
    deleted: bool = True
    """True."""


@router.post("", summary="Make a video", **documented(VideoFields, files=("input_reference",)))
async def create_video(
    request: Request,
    response: Response,
    services: ServicesOf,
    customer: TheCustomer,
    idempotency_key: IdempotencyKeyHeader = None,
) -> OpenaiVideo:
    """Orders a video, and holds its price in credits. Read the video until its `status` is completed or failed.

    A setting that the model does not have is left out, and the header `Reelworks-Warning` names it. A wrong value is
    refused.
    """
    async with body_of(request, services, customer.id) as body:
        fields = body.parsed(VideoFields)
        order = video_order(fields)

        async def fit(stored: GenerationRequest) -> Fitted:
            fits = fitted(request, stored, order.names, mode="drop")
            return Fitted(fits.request, (*fits.changes, *order.ignored))

        sent = fields.as_sent()
        create = Create("videos.create", sent, body, order.request, fit, order.names, idempotency_key)
        return await created(create, request, response)


@router.get("/{video_id}", summary="See how a video stands", responses=_FOUND)
async def get_video(video_id: VideoId, response: Response, services: ServicesOf, customer: TheCustomer) -> OpenaiVideo:
    """Returns the status, the progress and, at the end, the reason of a failure."""
    found = await find_video(video_id, services, customer)
    response.headers.update(poll_header(found))
    return video_answer(found, services.settings.retention)


@router.delete(
    "/{video_id}",
    summary="Delete a video",
    responses={200: {"description": "Deleted"}, **openai_errors(NotFound, NotFinished, NotCancellable)},
)
def delete_video(video_id: VideoId, services: ServicesOf, customer: TheCustomer) -> OpenaiVideoDeleted:
    """Deletes the file, the prompt, the inputs and the metadata for ever. An unfinished video is cancelled first.

    A video that the provider has begun stays until the provider has stopped: the answer is then a 409. Delete the
    video again when it has ended.
    """
    generation_id = require_video(video_id, services, customer)
    try:
        deletion.delete(services.database, services.objects, generation_id, customer_id=customer.id)
    except NotFinished:
        found = cancel(services.intake.steps, generation_id, customer_id=customer.id)
        if found.generation.stage not in TERMINAL:
            text = "the provider has begun the video, and was asked to stop: delete the video when it has ended"
            raise NotFinished(text) from None
        deletion.delete(services.database, services.objects, generation_id, customer_id=customer.id)
    return OpenaiVideoDeleted(id=id_of_video(generation_id))
