"""`generation.enqueue`: the Redis door. Services need only a Celery client to use it."""

from uuid import UUID

import tenacity
from celery import current_task, shared_task
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intake.digests import message_key
from intake.orders import Intake, Payer
from schemas.batches import parts_of
from schemas.enums import TaskName
from schemas.errors import InvalidRequest, RequestError
from schemas.orders import GenerationRequest, IdempotencyKey
from schemas.refusals import Location, Place, refusal
from schemas.stages import status_of
from storage import customers
from storage.outages import OUTAGES

_OUTLAST_SECONDS = 600
_MOST_REMEMBERED = 10_000


class EnqueueArguments(BaseModel):
    """The keyword arguments of the task."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    customer_id: UUID = Field(description="the customer to charge; every client of this Redis can name any customer")
    request: GenerationRequest = Field(description="the body of POST /v1/generations")
    idempotency_key: IdempotencyKey | None = Field(default=None, description="default: the id of the message")


_intake: Intake | None = None


def use_intake(intake: Intake) -> None:
    """Set the intake of this process. `workers` calls this when a process starts."""
    global _intake
    _intake = intake


def _current_intake() -> Intake:
    if _intake is None:
        raise RuntimeError("the Redis door runs in a worker process: start one with `reelworks worker`")
    return _intake


# Acknowledged late, unlike all other tasks: until this task ends, the order exists only in the message. If Redis
# delivers the message twice, the idempotency key still makes one generation.
@shared_task(name=TaskName.ENQUEUE, ignore_result=False, acks_late=True)
def enqueue_task(*args: object, **kwargs: object) -> dict[str, object]:
    """The Celery task of `enqueue`. Takes keyword arguments only."""
    if args:
        return _refused(InvalidRequest("generation.enqueue takes keyword arguments only: customer_id and request"))
    return enqueue(_current_intake(), kwargs, message_id=str(current_task.request.id))


@shared_task(name=TaskName.REFUSE, ignore_result=False)
def refuse_task(detail: str) -> dict[str, object]:
    """Answer a message that is no order. `workers.envelopes` puts this task in place of such a message."""
    return _refused(RequestError(detail))


# The worker has taken the message, and no row exists yet. During an outage of the database, the order waits here, and
# later messages wait in Redis.
@tenacity.retry(
    retry=tenacity.retry_if_exception_type(OUTAGES),
    wait=tenacity.wait_exponential(multiplier=0.2, max=5),
    stop=tenacity.stop_after_delay(_OUTLAST_SECONDS),
    reraise=True,
)
def enqueue(intake: Intake, arguments: dict[str, object], *, message_id: str) -> dict[str, object]:
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
        return _refused(error)
    generation = accepted.generation
    return {
        "id": str(generation.id),
        "status": status_of(generation.stage),
        "is_new": accepted.is_new,
        "model": generation.model,
        "requested_model": generation.order.get("requested_model"),
    }


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


def _refused(error: RequestError) -> dict[str, object]:
    return {"error": error.problem()}
