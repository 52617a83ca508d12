"""`POST /v1/generations/{id}/continue`: order the video of a preview."""

from uuid import UUID

from fastapi import Response

from gateway.authentication import TheCaller, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import Responses, problems
from gateway.ordering import LOCATION, ORDER_PROBLEMS, IdempotencyKeyHeader, accepted_resource
from schemas.api import GenerationResource
from schemas.errors import NotContinuable, NotFinished, NotFound

router = customers_router("/v1/generations", "generations")

_ACCEPTED: Responses = {202: {"description": "Accepted, now or by an earlier call", "headers": LOCATION}}


@router.post(
    "/{generation_id}/continue",
    status_code=202,
    summary="Make the video of a preview",
    responses=_ACCEPTED | ORDER_PROBLEMS | problems(NotFound, NotFinished, NotContinuable),
)
async def continue_generation(
    generation_id: UUID,
    response: Response,
    services: ServicesOf,
    caller: TheCaller,
    idempotency_key: IdempotencyKeyHeader = None,
) -> GenerationResource:
    """Orders the video that a preview is of (`preview_of`), from its picture, at the price of today.

    The preview must be completed. A preview has one video: a second call returns the first one's, whatever became of
    the video, and holds nothing. `continuation_of` and `continued_by` link the two.
    """
    accepted = await services.intake.continue_preview(generation_id, caller.payer, idempotency_key=idempotency_key)
    return await accepted_resource(accepted, response, services, caller)
