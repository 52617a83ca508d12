"""`POST /v1/generations/{id}/retry`: order a generation that has ended once more."""

from uuid import UUID

from fastapi import Response

from gateway.authentication import TheCaller, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import Responses, problems
from gateway.ordering import LOCATION, ORDER_PROBLEMS, IdempotencyKeyHeader, accepted_resource
from schemas.api import GenerationResource
from schemas.errors import NotFinished, NotFound

router = customers_router("/v1/generations", "generations")

_ACCEPTED: Responses = {202: {"description": "Accepted, now or by an earlier retry", "headers": LOCATION}}


@router.post(
    "/{generation_id}/retry",
    status_code=202,
    summary="Retry a generation",
    responses=_ACCEPTED | ORDER_PROBLEMS | problems(NotFound, NotFinished),
)
async def retry_generation(
    generation_id: UUID,
    response: Response,
    services: ServicesOf,
    caller: TheCaller,
    idempotency_key: IdempotencyKeyHeader = None,
) -> GenerationResource:
    """Orders the same once more, at the price of today: the same model, settings, inputs, reference, metadata and
    `callback_url`.

    The generation must have ended: completed, failed or cancelled. `retry_of` and `retried_by` link the two. Without an
    idempotency key, a second retry of the same generation returns the first retry; each new key makes a new one.
    """
    accepted = await services.intake.retry(generation_id, caller.payer, idempotency_key=idempotency_key)
    return await accepted_resource(accepted, response, services, caller)
