"""Celery's side of the pipeline: the tasks that wake-ups name (`schemas.stages.WORK`)."""

from celery import shared_task

from schemas.enums import Stage, TaskName
from tasks import pipeline
from tasks.services import current_services


@shared_task(name=TaskName.SUBMIT)
def submit(generation_id: str, attempt: int) -> None:
    """Send a queued generation to its provider, or settle what became of one that was already sent."""
    pipeline.run(current_services(), generation_id, attempt, {Stage.QUEUED, Stage.SUBMITTING})


@shared_task(name=TaskName.POLL)
def poll(generation_id: str, attempt: int) -> None:
    """Ask the provider how it stands."""
    pipeline.run(current_services(), generation_id, attempt, {Stage.GENERATING})


@shared_task(name=TaskName.DOWNLOAD)
def download(generation_id: str, attempt: int) -> None:
    """Fetch the result."""
    pipeline.run(current_services(), generation_id, attempt, {Stage.DOWNLOADING})


@shared_task(name=TaskName.STORE)
def store(generation_id: str, attempt: int) -> None:
    """Look at the result, and make it an asset."""
    pipeline.run(current_services(), generation_id, attempt, {Stage.STORING})


@shared_task(name=TaskName.SETTLE)
def settle(generation_id: str, attempt: int) -> None:
    """Take the credits."""
    pipeline.run(current_services(), generation_id, attempt, {Stage.SETTLING})
