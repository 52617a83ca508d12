"""What a request may ask for. Each operation gives the answer of the door, or the problem of a refusal."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intake.digests import message_key
from intake.orders import Intake, Payer
from intake.redis.request import Operation, Request
from schemas.batches import parts_of
from schemas.errors import RequestError
from schemas.orders import GenerationRequest, IdempotencyKey
from schemas.refusals import Location, Place, refusal
from schemas.stages import status_of
from storage import customers

_MOST_REMEMBERED = 10_000


class EnqueueArguments(BaseModel):
    """The keyword arguments of the task."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    customer_id: UUID = Field(description="the customer to charge; every client of this Redis can name any customer")
    request: GenerationRequest = Field(description="the body of POST /v1/generations")
    idempotency_key: IdempotencyKey | None = Field(default=None, description="default: the id of the message")


def perform(intake: Intake, request: Request) -> dict[str, object]:
    """The answer to a request: `{"error": problem}` where it is refused. Raises an outage, and no RequestError."""
    return OPERATIONS[request.operation](intake, request.arguments, request.id)


def enqueue(intake: Intake, arguments: dict[str, object], message_id: str) -> dict[str, object]:
    """Take an order, exactly as the HTTP door does.

    Args:
        message_id: the idempotency key if the sender gives none, so a message delivered twice is one generation.

    Returns:
        `{"id", "status", "is_new", "model", "requested_model"}`; of a batch `{"object": "batch", "id", "is_new"}`; or
        `{"error": problem}` with an RFC 9457 document.
    """
    try:
        wanted = _parse(arguments)
        key = wanted.idempotency_key or message_key(message_id)
        payer = Payer(wanted.customer_id, is_test=_is_test(intake, wanted.customer_id))
        if wanted.request.number_of_outputs > 1:
            batch = intake.take_batch(parts_of(wanted.request), payer, idempotency_key=key)
            return {"object": "batch", "id": str(batch.id), "is_new": batch.is_new}
        accepted = intake.take(wanted.request, payer, idempotency_key=key)
    except RequestError as error:
        return refused(error)
    generation = accepted.generation
    return {
        "id": str(generation.id),
        "status": status_of(generation.stage),
        "is_new": accepted.is_new,
        "model": generation.model,
        "requested_model": generation.order.get("requested_model"),
    }


Perform = Callable[[Intake, dict[str, object], str], dict[str, object]]
"""Serves the arguments of a message, whose id is the last argument."""

OPERATIONS: Final[Mapping[Operation, Perform]] = {Operation.ENQUEUE: enqueue}
"""The operations of the door."""

_test_customers: dict[UUID, bool] = {}


def _is_test(intake: Intake, customer_id: UUID) -> bool:
    """Whether an id is a test customer's. The process remembers the answer, because it never changes."""
    known = _test_customers.get(customer_id)
    if known is not None:
        return known
    with intake.database.statement() as statement:
        found = customers.is_test_customer(statement, customer_id)
    if found is not None:
        if len(_test_customers) >= _MOST_REMEMBERED:
            _test_customers.clear()
        _test_customers[customer_id] = found
    return bool(found)


def _parse(arguments: dict[str, object]) -> EnqueueArguments:
    try:
        return EnqueueArguments.model_validate(arguments)
    except ValidationError as error:
        raise refusal(error.errors(include_input=False, include_url=False), _place_of) from None


def _place_of(location: Location) -> Place:
    """The place of a wrong value. A field of the request has its name of the HTTP door."""
    if location[:1] == ("request",) and len(location) > 1:
        return Place(location[1:], GenerationRequest, "request")
    return Place(location, EnqueueArguments, "kwargs")


def refused(error: RequestError) -> dict[str, object]:
    """The answer to a request that is not served."""
    return {"error": error.problem()}
