"""The Redis door as a Celery task."""

from celery import current_task, shared_task

from intake.orders import Intake
from intake.redis.operations import enqueue, refused
from schemas.enums import TaskName
from schemas.errors import InvalidRequest, RequestError

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
        return refused(InvalidRequest("generation.enqueue takes keyword arguments only: customer_id and request"))
    return enqueue(_current_intake(), kwargs, str(current_task.request.id))


@shared_task(name=TaskName.REFUSE, ignore_result=False)
def refuse_task(detail: str) -> dict[str, object]:
    """Answer a message that is no order. `workers.envelopes` puts this task in place of such a message."""
    return refused(RequestError(detail))
