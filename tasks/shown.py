"""Shows the stages of a generation to Flower: the wait at the vendor, and the steps that follow in the same task.

Celery tells Flower of each message's task. A worker that goes on to further stages, and a generation that waits at its
vendor without any message, would be invisible. An event that is lost does no harm.
"""

from typing import Final

from schemas.enums import Stage
from schemas.errors import LeaseLost
from schemas.stages import TERMINAL, WORK
from storage.claims import Claim
from tasks.services import WorkerServices

WAIT: Final = "generation.wait"
"""The name of the wait at the vendor."""

# `prepare` and `send` are one task: the create.
_WITHIN_ONE_TASK: Final = frozenset({Stage.SUBMITTING})


class Shown:
    """The stages that one task runs under one claim."""

    def __init__(self, services: WorkerServices, claim: Claim) -> None:
        """Begin with the stage of the claim, which Celery shows."""
        self._services = services
        self._task = _id(claim, claim.generation.stage)
        self._open: str | None = None

    def begins(self, claim: Claim) -> None:
        """A step of the claim's stage begins."""
        stage = claim.generation.stage
        task = _id(claim, stage)
        if task == self._task or stage in _WITHIN_ONE_TASK or self._open == task:
            return
        self._open = task
        self._starts(claim, task, WORK[stage].task.value)

    def ends(self, before: Claim, after: Claim | None) -> None:
        """The outcome of a step is written. None: the claim was lost, and another worker shows the end."""
        if after is None:
            return
        origin, stage = before.generation.stage, after.generation.stage
        if origin is Stage.GENERATING and stage is not Stage.GENERATING:
            self._ends(after, _wait_id(before), seconds=before.seconds_in_stage)
        if self._open == _id(before, origin):
            self._open = None
            self._ends(after, _id(before, origin))
        if stage is Stage.GENERATING and origin is not Stage.GENERATING:
            self._starts(after, _wait_id(after), WAIT)

    def breaks(self, error: Exception) -> None:
        """The step raised an error."""
        if self._open is not None and not isinstance(error, LeaseLost):
            self._services.tell("task-failed", uuid=self._open, exception=type(error).__name__, traceback=None)

    def _starts(self, claim: Claim, task: str, name: str) -> None:
        order = claim.order
        told = {"model": order.model, "provider": claim.route.provider, "attempt": claim.generation.attempt}
        self._services.tell(
            "task-started", uuid=task, name=name, args=str((str(claim.id),)), kwargs=str(told), parent_id=self._task,
            root_id=str(claim.id), retries=0,
        )  # fmt: skip

    def _ends(self, after: Claim, task: str, *, seconds: float | None = None) -> None:
        stage = after.generation.stage
        runtime = {} if seconds is None else {"runtime": seconds}
        if stage in TERMINAL and stage is not Stage.COMPLETED:
            self._services.tell("task-failed", uuid=task, exception=stage.value, traceback=None)
        else:
            self._services.tell("task-succeeded", uuid=task, result=stage.value, **runtime)


def _id(claim: Claim, stage: Stage) -> str:
    return f"{claim.id}.{stage}.{claim.generation.attempt}"


def _wait_id(claim: Claim) -> str:
    return f"{claim.id}.wait.{claim.generation.route_index}"
