"""The order of the steps, and the loop that runs them: claim, step, apply, and then the next step or a wake-up."""

import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from providers.http import call_log
from schemas.enums import Queue, Stage
from storage import claims
from storage.claims import Claim
from storage.leases import Lease
from tasks import deadline
from tasks.apply import apply, recover
from tasks.download import download
from tasks.outcomes import Advance, CancelSent, Outcome, TakesRoute
from tasks.poll import poll
from tasks.prepare import prepare
from tasks.resolve import resolve
from tasks.send import send
from tasks.services import WorkerServices
from tasks.settle import settle
from tasks.shown import Shown
from tasks.store import store

Step = Callable[[WorkerServices, Claim, Lease], Outcome]
"""Does the work of one stage and returns the outcome. Only `apply` writes outcomes."""


class Row(NamedTuple):
    """A stage's step, and the step that may follow under the same claim."""

    step: Step
    """The step that a claim of this stage starts with."""
    then: Callable[[WorkerServices, Any], Step | None] = lambda _services, _carried: None
    """Returns the next stage's step for the same worker and claim. None: a wake-up starts the next step.

    The second argument is the outcome's `carries`. Not called if the next stage begins after a pause.
    """


def _joins(services: WorkerServices) -> bool:
    return services.settings.pipeline.joins_stages


TABLE: dict[Stage, Row] = {
    # `send` always follows `prepare`: every other claim of `submitting` must assume that the create has left.
    Stage.QUEUED: Row(prepare, lambda _services, request: partial(send, request=request)),
    Stage.SUBMITTING: Row(resolve),
    # A large download takes long, so only a process that serves the download queue goes on.
    Stage.GENERATING: Row(
        poll, lambda services, _: download if _joins(services) and Queue.DOWNLOAD in services.queues else None
    ),
    # A small file is still in memory.
    Stage.DOWNLOADING: Row(
        download,
        lambda services, content: partial(store, content=content) if _joins(services) and content is not None else None,
    ),
    Stage.STORING: Row(store, lambda services, _: settle if _joins(services) else None),
    Stage.SETTLING: Row(settle),
}


def run(services: WorkerServices, generation_id: str, attempt: int, stages: Collection[Stage]) -> None:
    """Claim a generation and run its steps. Do nothing if another worker has the claim or the stage has changed."""
    structlog.contextvars.bind_contextvars(generation_id=generation_id)
    asked_at = time.monotonic()
    with services.database.statement() as statement:
        claim = claims.claim(
            statement, UUID(generation_id), stages, attempt=attempt, holder=services.worker_name,
            lease_seconds=services.settings.pipeline.lease_seconds,
        )  # fmt: skip
    if claim is not None:
        with services.leases.keep(claim, since=asked_at) as lease, call_log.remembering():
            go_on(services, claim, lease)


def next_step(services: WorkerServices, stage: Stage, outcome: Advance) -> Step | None:
    """The step that the same worker runs next. None: a wake-up starts the next step."""
    return TABLE[stage].then(services, outcome.carries) if outcome.wait is None else None


def go_on(services: WorkerServices, claim: Claim, lease: Lease) -> None:
    """Run steps under one claim until the next step needs a wake-up."""
    step: Step | None = TABLE[claim.generation.stage].step
    shown = Shown(services, claim)
    kept: Claim | None = claim
    while kept is not None and step is not None:
        claim = kept
        try:
            shown.begins(claim)
            outcome = deadline.end_of(services, claim) or step(services, claim, lease)
            if isinstance(outcome, Advance):
                step = next_step(services, claim.generation.stage, outcome)
            elif not isinstance(outcome, CancelSent | TakesRoute):
                step = None
            kept = apply(services, claim, outcome, keeps_lease=step is not None)
            shown.ends(claim, kept)
        except Exception as error:  # noqa: BLE001 -- the edge of every step: after any error, the row must go on
            shown.breaks(error)
            return recover(services, claim, error)
    return None
