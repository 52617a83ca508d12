"""`pipeline.wake`: every second, look at what must be looked at, and top the queues up."""

import structlog
from celery import shared_task
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from schemas.enums import Queue, Stage, TaskName
from schemas.stages import WORK
from storage import generations
from storage.generations import Wake
from tasks.services import Services, current_services

log = structlog.get_logger()


def _stages_by_queue() -> dict[Queue, list[Stage]]:
    grouped: dict[Queue, list[Stage]] = {}
    for stage, work in WORK.items():
        grouped.setdefault(work.queue, []).append(stage)
    return grouped


_STAGES = _stages_by_queue()


@shared_task(name=TaskName.WAKE)
def wake_task() -> None:
    """Celery's side of `wake`."""
    wake(current_services())


def wake(services: Services) -> None:
    """Send what is due, as far as each queue has room; the rest stays due. Any number of wakers may run at once."""
    try:
        room = services.dispatcher.room()
    except RedisError as error:
        log.warning("queues_not_read", error=type(error).__name__)
        return
    due: list[Wake] = []
    for queue, stages in _STAGES.items():
        if room[queue] <= 0:
            continue
        with services.database.transaction() as session:
            due += generations.take_due(
                session, stages, limit=room[queue], resend_after=services.settings.pipeline.resend_after_seconds
            )
    if not due:
        return
    try:
        services.dispatcher.wake_all(due)
    except (KombuError, RedisError) as error:
        log.warning("wakes_not_sent", count=len(due), error=type(error).__name__)
    else:
        log.info("generations_woken", count=len(due))
