"""The Celery tasks that wake-ups name. Each task runs the pipeline."""

from celery import shared_task

from schemas.enums import TaskName
from schemas.stages import WORK
from tasks import pipeline
from tasks.services import current_services


def _serve(task: TaskName) -> None:
    """Register the Celery task that runs the stages of this name."""
    stages = [stage for stage, work in WORK.items() if work.task is task]

    @shared_task(name=task)
    def run(generation_id: str, attempt: int) -> None:
        pipeline.run(current_services(), generation_id, attempt, stages)


for name in sorted({work.task for work in WORK.values()}):
    _serve(name)
