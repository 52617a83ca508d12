"""What a request at the Redis door may ask for. Each operation does what a request over HTTP does, by the same code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from intake import cancelling
from intake.callers import Caller
from intake.digests import message_key
from intake.estimates import estimate_resource
from intake.orders import Intake, Payer
from intake.redis import signatures
from intake.redis.arguments import (
    Arguments,
    BatchArguments,
    ContinueArguments,
    EnqueueArguments,
    EstimateArguments,
    GenerationArguments,
    parsed,
)
from intake.redis.overload import Load
from intake.redis.request import Operation, Request
from notify.resources import generation_resource
from schemas.batches import Part, parts_of
from schemas.enums import Scope
from schemas.errors import Expired, RequestError
from schemas.stages import status_of
from storage import acceptance, batches, customers, details
from storage.acceptance import AcceptedOrder
from storage.details import Details

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Call:
    """A request whose sender is known."""

    intake: Intake
    """The intake of the process."""
    arguments: Mapping[str, object]
    """The arguments, with our id of the customer."""
    message_id: str
    """The id of the message. The idempotency key of an order without a key."""
    caller: Caller | None
    """The sender. None: a message without a signature."""
    load: Load | None
    """The requests that wait. None: unknown, so no order is refused for their number."""
    is_late: bool
    """Whether the request has expired."""

    def payer(self, arguments: Arguments) -> Payer:
        """Who orders, and who pays."""
        if self.caller is not None:
            return self.caller.payer
        return Payer(arguments.customer_id, is_test=_is_test(self.intake, arguments.customer_id))

    def require_new_orders(self, customer_id: UUID, key: str) -> None:
        """Refuse a new order that has expired, or while too many requests wait. An accepted order is not new.

        Raises:
            Expired: the order came too late.
            Overloaded: too many requests wait.
        """
        refusal = self._refusal()
        if refusal is None:
            return
        with self.intake.database.statement() as sql:
            if not acceptance.is_known(sql, customer_id, key):
                raise refusal

    def _refusal(self) -> RequestError | None:
        if self.is_late:
            return Expired()
        return self.load.refusal() if self.load is not None and self.load.is_over else None


def perform(intake: Intake, request: Request, *, load: Load | None = None) -> dict[str, object]:
    """Serve a request. A request that is served twice is one order.

    Args:
        load: the requests that wait. None: no order is refused for their number.

    Returns:
        The answer of the operation, or `{"error": problem}` with an RFC 9457 document.

    Raises:
        Exception: one of `storage.outages.OUTAGES`: a service of ours is away. Nothing is decided.
    """
    operation = OPERATIONS[request.operation]
    try:
        arguments, caller = signatures.opened(intake, request.operation, request.id, request.arguments, operation.scope)
        is_late = request.is_late
        if is_late and not operation.makes_orders:
            return refused(Expired())
        return operation.run(Call(intake, arguments, request.id, caller, load, is_late))
    except RequestError as error:
        return refused(error)


def refused(error: RequestError) -> dict[str, object]:
    """The answer to a request that is not served."""
    return {"error": error.problem()}


def summary(answer: Mapping[str, object]) -> dict[str, object]:
    """An answer without the prompt and the files of a generation, for people who look after the system.

    Of an error only the code: its text can quote the request.
    """
    told = {name: answer[name] for name in ("object", "id", "is_new", "status") if name in answer}
    error = answer.get("error")
    return told | {"error": error.get("code")} if isinstance(error, dict) else told


def problem_in(answer: Mapping[str, object]) -> dict[str, object] | None:
    """The problem of a refusal. None: the answer is no refusal. A failed generation has a member `error`, too."""
    problem = answer.get("error")
    return problem if len(answer) == 1 and isinstance(problem, dict) else None


def _enqueue(call: Call) -> dict[str, object]:
    wanted = parsed(EnqueueArguments, call.arguments)
    key = wanted.idempotency_key or message_key(call.message_id)
    call.require_new_orders(wanted.customer_id, key)
    payer = call.payer(wanted)
    if wanted.request.number_of_outputs > 1:
        return _take_batch(call.intake, parts_of(wanted.request), payer, key)
    return _accepted(call.intake.take(wanted.request, payer, idempotency_key=key))


def _continue(call: Call) -> dict[str, object]:
    wanted = parsed(ContinueArguments, call.arguments)
    key = wanted.idempotency_key or message_key(call.message_id)
    call.require_new_orders(wanted.customer_id, key)
    return _accepted(call.intake.continue_preview(wanted.generation_id, call.payer(wanted), idempotency_key=key))


def _accepted(accepted: AcceptedOrder) -> dict[str, object]:
    generation = accepted.generation
    return {
        "id": str(generation.id),
        "status": status_of(generation.stage),
        "is_new": accepted.is_new,
        "model": generation.model,
        "requested_model": generation.order.get("requested_model"),
    }


def _enqueue_batch(call: Call) -> dict[str, object]:
    wanted = parsed(BatchArguments, call.arguments)
    key = wanted.idempotency_key or message_key(call.message_id)
    call.require_new_orders(wanted.customer_id, key)
    return _take_batch(call.intake, wanted.request.parts(), call.payer(wanted), key)


def _take_batch(intake: Intake, parts: Sequence[Part], payer: Payer, key: str) -> dict[str, object]:
    batch = intake.take_batch(parts, payer, idempotency_key=key)
    ids = [row.id for row in batch.generations]
    if not batch.is_new:
        with intake.database.statement() as sql:
            ids = batches.members(sql, batch.id, customer_id=payer.customer_id)
    return {"object": "batch", "id": str(batch.id), "is_new": batch.is_new, "generations": [str(one) for one in ids]}


def _estimate(call: Call) -> dict[str, object]:
    wanted = parsed(EstimateArguments, call.arguments)
    found = call.intake.estimate(wanted.request, call.payer(wanted))
    return estimate_resource(found, wanted.request.number_of_outputs).model_dump(mode="json")


def _get(call: Call) -> dict[str, object]:
    wanted = parsed(GenerationArguments, call.arguments)
    with call.intake.database.transaction() as session:
        found = details.find(session, wanted.generation_id, customer_id=wanted.customer_id)
    return _resource(call, found)


def _cancel(call: Call) -> dict[str, object]:
    wanted = parsed(GenerationArguments, call.arguments)
    found = cancelling.cancel(call.intake, wanted.generation_id, customer_id=wanted.customer_id)
    return _resource(call, found)


def _resource(call: Call, found: Details) -> dict[str, object]:
    with call.intake.database.statement() as sql:
        queue = call.intake.queues.place(sql, found.generation)
    return generation_resource(found, call.intake.settings.retention, queue).model_dump(mode="json")


@dataclass(frozen=True)
class Served:
    """How an operation is served."""

    run: Callable[[Call], dict[str, object]]
    """Serves the operation. Raises RequestError for a refusal."""
    scope: Scope
    """The scope that a signing key needs: that of the same request over HTTP."""
    makes_orders: bool = False
    """Whether a request that comes again after its end may be an order that was made in time."""


OPERATIONS: Final[Mapping[Operation, Served]] = {
    Operation.ENQUEUE: Served(_enqueue, Scope.GENERATE, makes_orders=True),
    Operation.ENQUEUE_BATCH: Served(_enqueue_batch, Scope.GENERATE, makes_orders=True),
    Operation.CONTINUE: Served(_continue, Scope.GENERATE, makes_orders=True),
    Operation.ESTIMATE: Served(_estimate, Scope.READ),
    Operation.GET: Served(_get, Scope.READ),
    Operation.CANCEL: Served(_cancel, Scope.GENERATE),
}
"""Every operation."""


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
