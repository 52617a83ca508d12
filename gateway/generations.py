"""`/v1/generations`: order, read and cancel generations."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request, Response

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import Responses, problems
from gateway.problems import BadRequest, ContentTooLarge, UnsupportedMediaType
from gateway.resources import generation_resource, path_of
from schemas.api import GenerationResource
from schemas.errors import (
    GenerationDeleted,
    IdempotencyMismatch,
    InsufficientCredits,
    InvalidRequest,
    ModelPaused,
    ModelRetired,
    NotCancellable,
    NotFinished,
    NotFound,
    Unauthenticated,
)
from schemas.orders import GenerationRequest, IdempotencyKey
from schemas.stages import TERMINAL
from storage import cancellation, deletion, details
from storage.generations import Wake

router = customers_router("/v1/generations", "generations")


async def _require_json(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("send the request as JSON, with `Content-Type: application/json`")


IdempotencyKeyHeader = Annotated[
    IdempotencyKey | None,
    Header(
        alias="Idempotency-Key",
        description="a text that you choose, for example a UUID; sending the same key and body again returns the same "
        "generation, and the same key with another body is refused",
    ),
]

_ACCEPTED: Responses = {
    202: {
        "description": "Accepted, now or by an earlier request with the same key",
        "headers": {
            "Location": {"description": "where the generation is", "schema": {"type": "string"}},
            "Idempotency-Replayed": {
                "description": "`true` if an earlier request with this key made the generation",
                "schema": {"type": "string"},
            },
        },
    }
}


_CANCELLED: Responses = {
    200: {"model": GenerationResource, "description": "The generation is cancelled"},
    202: {"description": "Reelworks asks the provider to stop; read the generation for the outcome"},
}


@router.post(
    "",
    status_code=202,
    summary="Order a generation",
    dependencies=[Depends(_require_json)],
    responses=_ACCEPTED
    | problems(
        BadRequest,
        Unauthenticated,
        InsufficientCredits,
        ModelRetired,
        ContentTooLarge,
        UnsupportedMediaType,
        InvalidRequest,
        IdempotencyMismatch,
        GenerationDeleted,
        ModelPaused,
    ),
)
async def create_generation(
    request: GenerationRequest,
    response: Response,
    services: ServicesOf,
    customer: TheCustomer,
    idempotency_key: IdempotencyKeyHeader = None,
) -> GenerationResource:
    """Accepts an order for one image or video, and holds its price in credits.

    The gateway captures the credits when the result is stored, and releases them when the generation fails.
    """
    accepted = await services.intake.take(request, customer.id, idempotency_key=idempotency_key)
    generation = accepted.generation
    response.headers["Location"] = path_of(generation.id)
    if accepted.is_new:
        return generation_resource(details.of_new(generation), services.settings.retention)
    response.headers["Idempotency-Replayed"] = "true"
    return await get_generation(generation.id, services, customer)


@router.get(
    "/{generation_id}",
    summary="See how a generation stands",
    responses=problems(Unauthenticated, NotFound),
)
async def get_generation(generation_id: UUID, services: ServicesOf, customer: TheCustomer) -> GenerationResource:
    """Returns the stage, the progress, the credits and, at the end, the stored files or the error."""
    found = await services.loop_database.transaction(
        lambda session: details.find(session, generation_id, customer_id=customer.id)
    )
    if found is None:
        raise NotFound(f"you have no generation {generation_id}")
    return generation_resource(found, services.settings.retention)


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
    with services.database.transaction() as session:
        generation = cancellation.request(
            session,
            generation_id,
            customer_id=customer.id,
            rule_of=lambda order, index: services.catalogue.cancel_rule(order.model, order.routes[index]),
        )
        resource = generation_resource(details.of(session, generation), services.settings.retention)
    if generation.stage in TERMINAL:
        response.status_code = 200
    elif generation.lease_token is None:
        services.wakes.send(Wake(generation.id, generation.stage, generation.attempt))
    return resource


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
