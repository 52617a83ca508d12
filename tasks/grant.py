"""The task `admission.grant`: every second, hand out the places that became free by time, or were missed."""

import time

import structlog
from celery import shared_task

from schemas.enums import TaskName
from tasks.services import WorkerServices, current_services

log = structlog.get_logger()

# Beat starts the next one after a second.
_LOOK_AGAIN_FOR_SECONDS = 0.9
_LOOK_AGAIN_AFTER_SECONDS = 0.05


@shared_task(name=TaskName.GRANT, send_events=False)
def grant_task() -> None:
    """Run `grant_on` as a Celery task."""
    grant_on(current_services(), for_seconds=_LOOK_AGAIN_FOR_SECONDS)


def grant_on(services: WorkerServices, *, for_seconds: float) -> None:
    """Hand out free places for a while, as long as generations wait. A window of creates frees a place at any time."""
    services.gate.count_all()
    ends_at = time.monotonic() + for_seconds
    services.routes.wake_those_with_another_route()
    while services.gate.grant_all() and time.monotonic() < ends_at:
        time.sleep(_LOOK_AGAIN_AFTER_SECONDS)
