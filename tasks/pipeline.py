"""The order of the steps, and the loop that runs them: claim, step, apply, and then the next step or a wake-up."""

import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from providers.http import call_log
from schemas.enums import Queue, Stage
from schemas.log_redaction import hidden
from schemas.stages import AT_PROVIDER
from storage import claims, generations
from storage.claims import Claim
from storage.generations import Wake
from storage.leases import Lease
from tasks import deadline, traced
from tasks.apply import apply, recover
from tasks.download import download
from tasks.outcomes import Advance, CancelSent, Later, Outcome, TakesRoute
from tasks.poll import poll
from tasks.prepare import prepare
from tasks.resolve import resolve
from tasks.send import send
from tasks.services import WorkerServices
from tasks.settle import settle
from tasks.shown import Shown
from tasks.store import store
from tasks.troubles import outage

log = structlog.get_logger()

# The stages whose steps wait for a vendor, or for a host of a vendor's files.
_WAITS_FOR_ACCOUNT = frozenset({*AT_PROVIDER, Stage.QUEUED, Stage.DOWNLOADING})

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
    """Claim a generation and run its steps. Do nothing if another worker has the claim or the stage has changed.

    The steps that wait for an account run in one of the account's threads, perhaps after this function has returned.
    """
    structlog.contextvars.bind_contextvars(generation_id=generation_id)
    ends = ExitStack()
    with services.taking.taking() as may_take:
        if not may_take:
            return _leave(services, UUID(generation_id), attempt, stages)
        held = _claim(services, ends, UUID(generation_id), attempt, stages)
    if held is None:
        return None
    claim, lease = held
    structlog.contextvars.bind_contextvars(provider=claim.generation.provider, **hidden(lambda: claim.order.texts()))
    with traced.in_trace(claim):
        _take(services, ends, claim, lease)
    return None


def _take(services: WorkerServices, ends: ExitStack, claim: Claim, lease: Lease) -> None:
    """Work under a claim, in a thread of its account where it waits for the account."""
    work = partial(_keeping, ends, lease, partial(_begin, services, claim, lease))
    if claim.generation.stage not in _WAITS_FOR_ACCOUNT:
        work()
    elif not services.threads.run(claim.generation.provider, work):
        _keeping(ends, lease, partial(_put_off, services, claim, outage(services, None)))


def _claim(
    services: WorkerServices, ends: ExitStack, generation_id: UUID, attempt: int, stages: Collection[Stage]
) -> tuple[Claim, Lease] | None:
    """Claim a generation. `ends` ends the renewal of the lease."""
    asked_at = time.monotonic()
    with services.database.statement() as statement:
        claim = claims.claim(
            statement, generation_id, stages, attempt=attempt, holder=services.worker_name,
            lease_seconds=services.settings.pipeline.lease_seconds,
        )  # fmt: skip
    return None if claim is None else (claim, ends.enter_context(services.leases.keep(claim, since=asked_at)))


def _leave(services: WorkerServices, generation_id: UUID, attempt: int, stages: Collection[Stage]) -> None:
    """Leave a generation to the workers that are not drained: the waker wakes it at once."""
    with services.database.statement() as statement:
        generations.make_due(statement, [Wake(generation_id, stage, attempt) for stage in stages])


def _keeping(ends: ExitStack, lease: Lease, work: Callable[[], None]) -> None:
    """Work under a lease, and end with the lease. A lease that was lost before the work began leaves nothing to do."""
    with ends, call_log.remembering():
        if not lease.is_lost:
            work()


def _begin(services: WorkerServices, claim: Claim, lease: Lease) -> None:
    """Run the steps, unless the process ends: a create that begins now could be cut."""
    if services.threads.is_over:
        _put_off(services, claim, Later(0.0))
    else:
        go_on(services, claim, lease)


def _put_off(services: WorkerServices, claim: Claim, later: Later) -> None:
    """Leave a generation to a later wake-up, because this process has no thread for the generation."""
    log.info("work_waits", provider=claim.generation.provider, stage=claim.generation.stage)
    try:
        # A vendor that hangs would hold this thread, too.
        apply(services, claim, deadline.end_of(services, claim, asks_vendor=False) or later)
    except Exception as error:  # noqa: BLE001 -- as in `go_on`
        recover(services, claim, error)


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
        with traced.step(claim, _name(step)) as span:
            structlog.contextvars.bind_contextvars(provider=claim.generation.provider)
            try:
                shown.begins(claim)
                outcome = deadline.end_of(services, claim) or step(services, claim, lease)
                if isinstance(outcome, Advance):
                    step = next_step(services, claim.generation.stage, outcome)
                elif not isinstance(outcome, CancelSent | TakesRoute):
                    step = None
                traced.ends(span, outcome)
                kept = apply(services, claim, outcome, keeps_lease=step is not None)
                shown.ends(claim, kept)
            except Exception as error:  # noqa: BLE001 -- the edge of every step: after any error, the row must go on
                span.fail(type(error).__name__)
                shown.breaks(error)
                return recover(services, claim, error)
        traced.waited(claim, kept)
    return None


def _name(step: Step) -> str:
    """The name of a step's function."""
    function: Any = step.func if isinstance(step, partial) else step
    return str(function.__name__)
