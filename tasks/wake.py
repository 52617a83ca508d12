"""The task `pipeline.wake`: every second, send the wake-ups that are due, as far as the queues have room."""

import time
from collections.abc import Collection, Sequence

import structlog
from celery import shared_task
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from metrics.families import WAKES, WAKES_NOT_SENT
from schemas.enums import Queue, TaskName
from schemas.stages import WORK
from storage import generations, runs_to_stop
from storage.generations import Wake
from storage.sql import Sql
from storage.variants import claims as variants
from tasks.services import WorkerServices, current_services

log = structlog.get_logger()

# Beat starts the next waker after a second.
_LOOK_AGAIN_FOR_SECONDS = 0.8
_LOOK_AGAIN_AFTER_SECONDS = 0.1

_SETTLES_FOR_SECONDS = 900.0
_GIVEN_UP_AT_ONCE = 20
_STOPS_AT_ONCE = 20
_started_at = time.monotonic()


_STAGES = {work.queue: [stage for stage, each in WORK.items() if each.queue is work.queue] for work in WORK.values()}


@shared_task(name=TaskName.WAKE, send_events=False)
def wake_task() -> None:
    """Run `wake_on` as a Celery task."""
    wake_on(current_services(), for_seconds=_LOOK_AGAIN_FOR_SECONDS)


def wake_on(services: WorkerServices, *, for_seconds: float) -> None:
    """Send due wake-ups for a while. Return to the queues that were filled: fast workers empty a short queue soon."""
    ends_at = time.monotonic() + for_seconds
    full = wake(services)
    while full and time.monotonic() < ends_at:
        time.sleep(_LOOK_AGAIN_AFTER_SECONDS)
        full = wake(services, full)


def wake(services: WorkerServices, queues: Collection[Queue] = (*_STAGES, Queue.VARIANTS)) -> set[Queue]:
    """Send the wake-ups that are due, as far as each queue has room. Several wakers may run at once.

    Returns:
        The queues that are full now. More wake-ups may be due for them.
    """
    try:
        room = services.dispatcher.room()
    except RedisError as error:
        log.warning("queues_not_read", error=type(error).__name__)
        return set()
    resend_after = services.settings.pipeline.resend_after_seconds
    if Queue.VARIANTS in queues:
        _wake_variants(services, room[Queue.VARIANTS])
        _give_variants_up(services)
    due: list[Wake] = []
    full: set[Queue] = set()
    with services.database.statements() as statements:
        for queue in _STAGES.keys() & set(queues):
            taken = _taken(statements, queue, room[queue], resend_after)
            due += taken
            if len(taken) >= room[queue]:
                full.add(queue)
    if due and not _sent(services, due):
        return set()
    if Queue.POLL in queues:
        _wake_stops(services, room[Queue.POLL])
    return full


def _wake_variants(services: WorkerServices, room: int) -> None:
    """Send the wake-ups that due variants lack.

    The rows stay due until a worker claims them. So a lost wake-up is sent again at the next look.
    """
    with services.database.statement() as sql:
        missing = variants.wakes_missing(sql, room=room)
    if not missing:
        return
    try:
        services.dispatcher.wake_variants(missing)
    except (KombuError, RedisError) as error:
        log.warning("wakes_not_sent", count=missing, error=type(error).__name__)
    else:
        # While all places are taken, workers discard the wake-ups, and the next look sends more.
        log.debug("variants_woken", count=missing)


def _wake_stops(services: WorkerServices, room: int) -> None:
    """Send the wake-ups of runs to stop that are due, after those of the generations. A lost one is sent again."""
    if room <= 0:
        return
    resend_after = services.settings.pipeline.resend_after_seconds
    with services.database.statement() as sql:
        due = runs_to_stop.take_due(sql, limit=min(room, _STOPS_AT_ONCE), resend_after=resend_after)
    if not due:
        return
    try:
        services.dispatcher.wake_stops(due)
    except (KombuError, RedisError) as error:
        log.warning("wakes_not_sent", count=len(due), error=type(error).__name__)


def _give_variants_up(services: WorkerServices) -> None:
    """End variants that no worker takes: the system may have no media worker.

    Not soon after the start: when a whole system starts again, its workers take what waited for them.
    """
    if time.monotonic() - _started_at < _SETTLES_FOR_SECONDS:
        return
    seconds = services.settings.variants.give_up_seconds
    with services.database.statement() as sql:
        left = variants.not_taken(sql, seconds=seconds, most=_GIVEN_UP_AT_ONCE)
    for variant_id, generation_id, customer_id in left:
        with services.database.statements() as sql:
            is_over = variants.give_up(sql, variant_id, generation_id, customer_id, seconds=seconds)
        if is_over:
            services.announce(generation_id, customer_id)
            log.warning("variant_not_taken", generation_id=str(generation_id), seconds=seconds)


def _taken(sql: Sql, queue: Queue, room: int, resend_after: float) -> list[Wake]:
    """Take as many due wake-ups as the queue has room for.

    A full queue needs no query, and the cost of the query grows with the number of due rows.
    """
    if room <= 0:
        return []
    return generations.take_due(sql, _STAGES[queue], limit=room, resend_after=resend_after)


def _sent(services: WorkerServices, due: Sequence[Wake]) -> bool:
    try:
        services.dispatcher.wake_all(due)
    except (KombuError, RedisError) as error:
        WAKES_NOT_SENT.add(by=len(due))
        log.warning("wakes_not_sent", count=len(due), error=type(error).__name__)
        return False
    WAKES.add("waker", by=len(due))
    log.info("generations_woken", count=len(due))
    return True
