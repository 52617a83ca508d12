"""What follows what, and the loop that takes a generation on: claim, step, apply, and the next step or its wake-up."""

import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from schemas.enums import Queue, Stage
from storage import claims
from storage.claims import Claim
from storage.leases import Lease
from tasks import deadline
from tasks.apply import apply, recover
from tasks.download import download
from tasks.outcomes import Advance, CancelSent, Outcome
from tasks.poll import poll
from tasks.prepare import prepare
from tasks.resolve import resolve
from tasks.send import send
from tasks.services import WorkerServices
from tasks.settle import settle
from tasks.store import store

Step = Callable[[WorkerServices, Claim, Lease], Outcome]
"""Takes a claimed generation a step further; what comes of it is written down by `apply` alone."""


class Row(NamedTuple):
    """What a stage does."""

    step: Step
    """What a claim of the stage is for."""
    then: Callable[[WorkerServices, Any], Step | None] = lambda _services, _carried: None
    """The next stage's step, if the same worker goes on with it under the same claim; else a message is sent.

    It is given what the outcome carries.
    """


def _joins(services: WorkerServices) -> bool:
    return services.settings.pipeline.joins_stages


TABLE: dict[Stage, Row] = {
    # Always: any other claim of `submitting` has to take the request for one that may have left.
    Stage.QUEUED: Row(prepare, lambda _services, request: partial(send, request=request)),
    Stage.SUBMITTING: Row(resolve),
    # Where this process serves downloads: they take as long as they are large.
    Stage.GENERATING: Row(
        poll, lambda services, _: download if _joins(services) and Queue.DOWNLOAD in services.queues else None
    ),
    # Where the file is small enough to be in memory still.
    Stage.DOWNLOADING: Row(
        download,
        lambda services, content: partial(store, content=content) if _joins(services) and content is not None else None,
    ),
    Stage.STORING: Row(store, lambda services, _: settle if _joins(services) else None),
    Stage.SETTLING: Row(settle),
}


def run(services: WorkerServices, generation_id: str, attempt: int, stages: Collection[Stage]) -> None:
    """Claim a generation and take it a step further, or several; nothing happens if it is held or has moved on."""
    structlog.contextvars.bind_contextvars(generation_id=generation_id)
    asked_at = time.monotonic()
    with services.database.statement() as statement:
        claim = claims.claim(
            statement, UUID(generation_id), stages, attempt=attempt, holder=services.worker_name,
            lease_seconds=services.settings.pipeline.lease_seconds,
        )  # fmt: skip
    if claim is not None:
        with services.leases.keep(claim, since=asked_at) as lease:
            go_on(services, claim, lease)


def go_on(services: WorkerServices, claim: Claim, lease: Lease) -> None:
    """Take steps under a claim for as long as each is followed by one for the same worker."""
    step: Step | None = TABLE[claim.generation.stage].step
    kept: Claim | None = claim
    while kept is not None and step is not None:
        claim = kept
        try:
            outcome = deadline.end_of(services, claim) or step(services, claim, lease)
            if isinstance(outcome, Advance):
                step = TABLE[claim.generation.stage].then(services, outcome.carries)
            elif not isinstance(outcome, CancelSent):
                step = None
            kept = apply(services, claim, outcome, keeps_lease=step is not None)
        except Exception as error:  # noqa: BLE001 -- the edge of every step: whatever went wrong, the row must go on
            return recover(services, claim, error)
    return None
