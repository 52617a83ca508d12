"""`/v1/generations`: order, read, repeat and cancel generations."""

from contextlib import suppress
from uuid import UUID

from fastapi import Request, Response

from admission.queues import vendor_place
from gateway.authentication import TheCustomer, caller_for, customers_router
from gateway.batches import BatchResource, order_batch
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import Responses, problems
from gateway.ordering import LOCATION, ORDER_PROBLEMS, IdempotencyKeyHeader
from gateway.preferences import APPLIED, Prefer, wait_of
from gateway.waiting import waited
from intake.cancelling import cancel
from notify.resources import generation_resource, path_of
from schemas.api import GenerationResource
from schemas.batches import parts_of
from schemas.enums import Stage
from schemas.errors import NotCancellable, NotFinished, NotFound, Unauthenticated
from schemas.identity_api import HttpOrder
from schemas.stages import TERMINAL
from storage import deletion, details
from storage.details import Details
from storage.outages import OUTAGES

router = customers_router("/v1/generations", "generations")


_OF_AN_ORDER = {**APPLIED, **LOCATION}
_ACCEPTED: Responses = {
    200: {
        "description": "Accepted with `Prefer: wait`, and ended within the time",
        "model": GenerationResource,
        "headers": _OF_AN_ORDER,
    },
    202: {
        "description": "Accepted, now or by an earlier request with the same key; a batch if there are several outputs",
        "headers": _OF_AN_ORDER,
    },
}


_FOUND: Responses = {200: {"description": "The generation", "headers": APPLIED}}

_CANCELLED: Responses = {
    200: {"model": GenerationResource, "description": "The generation is cancelled"},
    202: {"description": "Reelworks asks the provider to stop; read the generation for the outcome"},
}


@router.post(
    "",
    status_code=202,
    summary="Order a generation",
    dependencies=[RequireJson],
    responses=_ACCEPTED | BODY_PROBLEMS | ORDER_PROBLEMS,
)
async def create_generation(
    order: HttpOrder,
    request: Request,
    response: Response,
    services: ServicesOf,
    idempotency_key: IdempotencyKeyHeader = None,
    prefer: Prefer = None,
) -> GenerationResource | BatchResource:
    """Accepts an order for one image or video, and holds its price in credits.

    The gateway captures the credits when the result is stored, and releases them when the generation fails. With
    `number_of_outputs` above 1, the order is a batch, and the answer comes at once.
    """
    # A large body holds one of few places until its answer, so such an order does not wait.
    wait = 0 if getattr(request.state, "has_large_body", False) else wait_of(request, prefer)
    caller = await caller_for(request, order.customer_id)
    if order.number_of_outputs > 1:
        parts = parts_of(order.without_customer())
        return await order_batch(parts, caller.payer, response, services, idempotency_key)
    accepted = await services.intake.take(order.without_customer(), caller.payer, idempotency_key=idempotency_key)
    generation = accepted.generation
    response.headers["Location"] = path_of(generation.id)
    if accepted.is_new and not wait:
        return generation_resource(details.of_new(generation), services.settings.retention)
    if not accepted.is_new:
        response.headers["Idempotency-Replayed"] = "true"
    try:
        found = await waited(generation.id, request, response, services, caller.customer, wait)
    except OUTAGES:
        if not accepted.is_new:
            raise
        # A client might take an error for a refused order, and order again.
        found = details.of_new(generation)
    if wait and found.generation.stage in TERMINAL:
        response.status_code = 200
    return await resource_of(found, services)


@router.get(
    "/{generation_id}",
    summary="See how a generation stands",
    responses=_FOUND | problems(Unauthenticated, NotFound),
)
async def get_generation(
    generation_id: UUID,
    connection: Request,
    response: Response,
    services: ServicesOf,
    customer: TheCustomer,
    prefer: Prefer = None,
) -> GenerationResource:
    """Returns the stage, the progress, the credits and, at the end, the stored files or the error."""
    wait = wait_of(connection, prefer)
    found = await waited(generation_id, connection, response, services, customer, wait)
    return await resource_of(found, services)


@router.post(
    "/{generation_id}/cancel",
    status_code=202,
    summary="Cancel a generation",
    responses=_CANCELLED | problems(Unauthenticated, NotFound, NotCancellable),
)
def cancel_generation(
    generation_id: UUID, response: Response, services: ServicesOf, customer: TheCustomer
) -> GenerationResource:
    """Cancels a generation at once if it has not reached the provider; otherwise asks the provider to stop.

    The credits stay held until the provider confirms. If the result is ready first, it is delivered and charged. Safe
    to repeat.
    """
    found = cancel(services.intake.steps, generation_id, customer_id=customer.id)
    if found.generation.stage in TERMINAL:
        response.status_code = 200
    return generation_resource(found, services.settings.retention)


@router.delete(
    "/{generation_id}",
    status_code=204,
    summary="Delete a generation",
    responses=problems(Unauthenticated, NotFound, NotFinished),
)
def delete_generation(generation_id: UUID, services: ServicesOf, customer: TheCustomer) -> None:
    """Deletes the files, the prompt, the inputs and the metadata for ever. Your credits and transfers stay as they are.

    An unfinished generation is not deleted: cancel it first. The uploads that the order named stay until they expire.
    """
    deletion.delete(services.database, services.objects, generation_id, customer_id=customer.id)


async def resource_of(found: Details, services: GatewayServices) -> GenerationResource:
    """The API resource of a generation, with the place before the provider. An outage leaves the place out."""
    row = found.generation
    queue = vendor_place(row)
    if row.stage is Stage.QUEUED:
        with suppress(*OUTAGES):
            queue = await services.loop_database.statement(lambda sql: services.intake.steps.queues.place(sql, row))
    return generation_resource(found, services.settings.retention, queue)
