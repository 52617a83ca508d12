"""Shows the stages of a generation to Flower: the wait at the vendor, and the steps that follow in the same task.

Celery tells Flower of each message's task. A worker that goes on to further stages, and a generation that waits at its
vendor without any message, would be invisible. An event that is lost does no harm.

One process sees the begin of a wait, and another one may see its end. Their events reach Flower in any order, so each
event names the stage and its generation.
"""

from dataclasses import dataclass
from typing import Final, Self

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
        self._open: _Stage | None = None

    def begins(self, claim: Claim) -> None:
        """A step of the claim's stage begins."""
        begun = _Stage.of(claim)
        if begun.id == self._task or claim.generation.stage in _WITHIN_ONE_TASK:
            return
        self._open = begun
        self._starts(begun)

    def ends(self, before: Claim, after: Claim | None) -> None:
        """The outcome of a step is written. None: the claim was lost, and another worker shows the end."""
        if after is None:
            return
        origin, stage = before.generation.stage, after.generation.stage
        if origin is Stage.GENERATING and stage is not Stage.GENERATING:
            self._ends(_Stage.wait(before), stage, runtime=before.seconds_in_stage)
        if self._open is not None and self._open.id == _id(before, origin):
            ended, self._open = self._open, None
            self._ends(ended, stage)
        if stage is Stage.GENERATING and origin is not Stage.GENERATING:
            self._starts(_Stage.wait(after))

    def breaks(self, error: Exception) -> None:
        """The step raised an error."""
        if self._open is not None and not isinstance(error, LeaseLost):
            self._tell("task-failed", self._open, exception=type(error).__name__, traceback=None)

    def _starts(self, shown: "_Stage") -> None:
        self._tell("task-started", shown, parent_id=self._task, root_id=str(shown.claim.id), retries=0)

    def _ends(self, shown: "_Stage", stage: Stage, **times: float) -> None:
        if stage in TERMINAL and stage is not Stage.COMPLETED:
            self._tell("task-failed", shown, exception=stage.value, traceback=None)
        else:
            self._tell("task-succeeded", shown, result=stage.value, **times)

    def _tell(self, kind: str, shown: "_Stage", **fields: object) -> None:
        claim = shown.claim
        told = {"model": claim.order.model, "provider": claim.route.provider, "attempt": claim.generation.attempt}
        self._services.tell(
            kind, uuid=shown.id, name=shown.name, args=str((str(claim.id),)), kwargs=str(told), **fields
        )


@dataclass(frozen=True)
class _Stage:
    """A stage of a generation, as a task of Celery's events."""

    claim: Claim
    """The generation in this stage."""
    id: str
    """The id of the task."""
    name: str
    """The name of the task."""

    @classmethod
    def of(cls, claim: Claim) -> Self:
        """The stage of the claim."""
        stage = claim.generation.stage
        return cls(claim, _id(claim, stage), WORK[stage].task.value)

    @classmethod
    def wait(cls, claim: Claim) -> Self:
        """The wait at the vendor."""
        return cls(claim, f"{claim.id}.wait.{claim.generation.route_index}", WAIT)


def _id(claim: Claim, stage: Stage) -> str:
    return f"{claim.id}.{stage}.{claim.generation.attempt}"
