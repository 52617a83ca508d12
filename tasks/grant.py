"""The task `admission.grant`: every second, hand out the places that became free by time, or were missed."""

import time

from celery import shared_task

from schemas.enums import TaskName
from tasks.services import WorkerServices, current_services

# Beat starts the next one after a second.
_LOOK_AGAIN_FOR_SECONDS = 0.9
_LOOK_AGAIN_AFTER_SECONDS = 0.05
# What is held is looked at each fifth time.
_TIDY_EVERY = 5


@shared_task(name=TaskName.GRANT, send_events=False)
def grant_task() -> None:
    """Run `grant_on` as a Celery task."""
    grant_on(current_services(), for_seconds=_LOOK_AGAIN_FOR_SECONDS)


def grant_on(services: WorkerServices, *, for_seconds: float) -> None:
    """Hand out free places for a while, as long as generations wait. A window of creates frees a place at any time."""
    ends_at = time.monotonic() + for_seconds
    looks = 0
    while _grants(services, tidies=looks % _TIDY_EVERY == 0) and time.monotonic() < ends_at:
        looks += 1
        time.sleep(_LOOK_AGAIN_AFTER_SECONDS)
    services.routes.wake_those_with_another_route()


def _grants(services: WorkerServices, *, tidies: bool) -> bool:
    if tidies:
        services.gate.tidy()
    return services.gate.grant_all()
