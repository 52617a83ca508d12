"""The task `pipeline.sweep`: every hour, remove expired files and records."""

import structlog
from celery import shared_task

from schemas.enums import TaskName
from storage import sweeps
from tasks.services import WorkerServices, current_services

log = structlog.get_logger()


@shared_task(name=TaskName.SWEEP)
def sweep_task() -> None:
    """Run `sweep` as a Celery task."""
    sweep(current_services())


def sweep(services: WorkerServices) -> None:
    """Remove everything that is due. A sweep may stop at any moment, and several sweeps may run at once."""
    settings = services.settings
    idle = settings.studio.idle
    for swept in sweeps.sweep(services.database, services.objects, settings.retention, session_idle=idle):
        if swept.interrupted_by:
            log.warning("sweep_interrupted", kind=swept.kind, error=swept.interrupted_by)
        total = swept.total
        if total.count or total.failed:
            log.info("swept", kind=swept.kind, count=total.count, size_bytes=total.size_bytes, failed=total.failed)
