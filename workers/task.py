"""The base of every task: log context, and nothing secret in what Celery tells of it."""

from typing import Any

import structlog
from celery import Task
from celery.worker.request import Request

from schemas.enums import TaskName
from schemas.errors import ReelworksError
from tasks.troubles import OUTAGES

log = structlog.get_logger()

# Tasks whose arguments hold a prompt.
_PRIVATE = frozenset({TaskName.ENQUEUE})

_HIDDEN = "(hidden)"


class TaskCrashed(ReelworksError):
    """A task failed; the log says more, Flower only the kind of error."""


class SafeRequest(Request):
    """A request that shows Flower, events and remote control no more than the task allows."""

    @property
    def argsrepr(self) -> str:
        """What events and logs say of the positional arguments."""
        return super().argsrepr if self._may_show_arguments() else _HIDDEN

    @property
    def kwargsrepr(self) -> str:
        """What events and logs say of the keyword arguments."""
        return super().kwargsrepr if self._may_show_arguments() else _HIDDEN

    def info(self, safe: bool = False) -> Any:  # noqa: ARG002 -- remote control asks for the unsafe form
        """What remote control, and so Flower's page of a worker, says of the request."""
        return {**super().info(safe=True), "args": self.argsrepr, "kwargs": self.kwargsrepr}

    def _may_show_arguments(self) -> bool:
        return self.name not in _PRIVATE


class ReelworksTask(Task[..., object]):
    """How every task of ours runs and shows itself."""

    Request = "workers.task:SafeRequest"

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Run the task; an error that it does not foresee reaches Celery without its text."""
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
