"""`pipeline.wake`: every second, look at what must be looked at, and top the queues up."""

import time
from collections.abc import Collection, Sequence

import structlog
from celery import shared_task
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from schemas.enums import Queue, TaskName
from schemas.stages import WORK
from storage import generations
from storage.generations import Wake
from storage.sql import Sql
from tasks.services import WorkerServices, current_services

log = structlog.get_logger()

# The next beat comes after a second, and so does the next waker.
_LOOK_AGAIN_FOR_SECONDS = 0.8
_LOOK_AGAIN_AFTER_SECONDS = 0.1


_STAGES = {work.queue: [stage for stage, each in WORK.items() if each.queue is work.queue] for work in WORK.values()}


@shared_task(name=TaskName.WAKE)
def wake_task() -> None:
    """Celery's side of `wake_on`."""
    wake_on(current_services(), for_seconds=_LOOK_AGAIN_FOR_SECONDS)


def wake_on(services: WorkerServices, *, for_seconds: float) -> None:
    """Wake, and go on topping up queues that take all they have room for: short queues must not starve fast workers."""
    ends_at = time.monotonic() + for_seconds
    full = wake(services)
    while full and time.monotonic() < ends_at:
        time.sleep(_LOOK_AGAIN_AFTER_SECONDS)
        full = wake(services, full)


def wake(services: WorkerServices, queues: Collection[Queue] = tuple(_STAGES)) -> set[Queue]:
    """Send what is due, as far as each queue has room; the rest stays due. Any number of wakers may run at once.

    Returns:
        The queues that are full now, so that more may be due.
    """
    try:
        room = services.dispatcher.room()
    except RedisError as error:
        log.warning("queues_not_read", error=type(error).__name__)
        return set()
    resend_after = services.settings.pipeline.resend_after_seconds
    due: list[Wake] = []
    full: set[Queue] = set()
    with services.database.statements() as statements:
        for queue in queues:
            taken = _taken(statements, queue, room[queue], resend_after)
            due += taken
            if len(taken) >= room[queue]:
                full.add(queue)
    if due and not _sent(services, due):
        return set()
    return full


def _taken(sql: Sql, queue: Queue, room: int, resend_after: float) -> list[Wake]:
    """What a queue has room for. With none, nothing is asked: a look at what is due costs as much as there is."""
    if room <= 0:
        return []
    return generations.take_due(sql, _STAGES[queue], limit=room, resend_after=resend_after)


def _sent(services: WorkerServices, due: Sequence[Wake]) -> bool:
    try:
        services.dispatcher.wake_all(due)
    except (KombuError, RedisError) as error:
        log.warning("wakes_not_sent", count=len(due), error=type(error).__name__)
        return False
    log.info("generations_woken", count=len(due))
    return True
