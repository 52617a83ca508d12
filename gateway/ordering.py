"""The parts that all routes which take orders share: the idempotency key, the refusals, the headers of the answer."""

from typing import Annotated

from fastapi import Header

from gateway.openapi import problems
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
