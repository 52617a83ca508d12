"""The base class of every task: log context, and errors without text."""

import structlog
from celery import Task

from schemas.errors import ReelworksError
from storage.outages import OUTAGES

log = structlog.get_logger()


class TaskCrashed(ReelworksError):
    """A task failed. The log holds the details. Flower shows only the class of the error."""


class ReelworksTask(Task[..., object]):
    """The base class of every task."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Run the task. An unexpected error reaches Celery without its text."""
        structlog.contextvars.bind_contextvars(task=self.name)
        try:
            return self.run(*args, **kwargs)
        except OUTAGES as error:
            log.warning("task_interrupted", error=type(error).__name__)
            raise TaskCrashed(f"{self.name} was interrupted by {type(error).__name__}") from None
        except Exception as error:
            log.exception("task_crashed")
            # A message or a local variable may hold a prompt, a URL or a key.
            raise TaskCrashed(f"{self.name} crashed with {type(error).__name__}") from None
        finally:
            structlog.contextvars.clear_contextvars()
