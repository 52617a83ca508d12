"""The parts that all routes which take orders share: the idempotency key, the refusals, the headers of the answer."""

from typing import Annotated

from fastapi import Header, Response

from gateway.dependencies import GatewayServices
from gateway.openapi import problems
from gateway.waiting import find
from intake.callers import Caller
from notify.resources import generation_resource, path_of
from schemas.api import GenerationResource
from schemas.errors import (
    CapReached,
    CostAbovePrice,
    GenerationDeleted,
    IdempotencyMismatch,
    InsufficientCredits,
    InvalidRequest,
    ModelPaused,
    ModelRetired,
    NoSandbox,
    QuotaReached,
    StorageQuotaExceeded,
    TooManyRequests,
    Unauthenticated,
)
from schemas.orders import IdempotencyKey
from storage import details
from storage.acceptance import AcceptedOrder

IdempotencyKeyHeader = Annotated[
    IdempotencyKey | None,
    Header(
        alias="Idempotency-Key",
        description="a text that you choose, for example a UUID; sending the same key and body again returns the same "
        "generation or batch, and the same key with another body is refused",
    ),
]

LOCATION: dict[str, object] = {
    "Location": {"description": "where the generation or the batch is", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "`true` if an earlier request made the generation or the batch",
        "schema": {"type": "string"},
    },
}
"""The headers of an accepted order."""

ORDER_KINDS = (
    Unauthenticated,
    InsufficientCredits,
    StorageQuotaExceeded,
    CapReached,
    ModelRetired,
    InvalidRequest,
    CostAbovePrice,
    IdempotencyMismatch,
    TooManyRequests,
    QuotaReached,
    GenerationDeleted,
    ModelPaused,
    NoSandbox,
)
"""The types of the refusals of an order, beside those of a body."""

ORDER_PROBLEMS = problems(*ORDER_KINDS)
"""These refusals in the form of `/v1`."""


async def accepted_resource(
    accepted: AcceptedOrder, response: Response, services: GatewayServices, caller: Caller
) -> GenerationResource:
    """The answer to an order that an earlier generation made: its own generation, or that of the earlier request."""
    generation = accepted.generation
    response.headers["Location"] = path_of(generation.id)
    if accepted.is_new:
        return generation_resource(details.of_new(generation), services.settings.retention)
    response.headers["Idempotency-Replayed"] = "true"
    found = await find(generation.id, services, caller.customer)
    return generation_resource(found, services.settings.retention)
