"""What all stages share: claim, keep the lease, do the step, and turn every failure into the next state."""

import random
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple
from uuid import UUID

import structlog

from providers.base import RemoteRef
from schemas.enums import CancelRule, ErrorCode, EventName, Stage
from schemas.errors import LeaseLost, ProviderError, ProviderRejected, ProviderUnavailable
from schemas.settings import PipelineSettings
from schemas.stages import CANCELLABLE, WORK
from storage import claims, timeline
from storage.claims import Claim
from storage.generations import Wake
from storage.leases import Lease
from storage.outages import OUTAGES as OUTAGES
from storage.statements import Executor
from tasks.services import Services

log = structlog.get_logger()

INTERNAL = "an internal error; it was reported"

# What a passed deadline means, where it says more than that time is up.
_LATE = {
    Stage.SUBMITTING: (
        ErrorCode.SUBMIT_OUTCOME_UNKNOWN,
        "the provider did not say whether it accepted the request before the deadline",
    ),
    Stage.DOWNLOADING: (
        ErrorCode.DOWNLOAD_FAILED,
        "the result could not be fetched from the provider before the deadline",
    ),
}


class Onward(NamedTuple):
    """The step that a worker goes on with, under the claim that it has."""

    claim: Claim
    step: "Step"


Step = Callable[[Services, Claim, Lease], Onward | None]

# Where a crash that repeats ends a generation. In the others the vendor has been paid, or the customer has a result:
# there the deadline decides, and in `settling` nothing does.
_CRASHES_END = frozenset({Stage.QUEUED, Stage.DOWNLOADING, Stage.STORING})

# Two looks at the clock by one statement.
_AT_ONCE_SECONDS = 0.05


def run(services: Services, generation_id: str, attempt: int, stages: Collection[Stage], step: Step) -> None:
    """Claim a generation and take it a step further, or several; nothing happens if it is held or has moved on."""
    lease_seconds = services.settings.pipeline.lease_seconds
    structlog.contextvars.bind_contextvars(generation_id=generation_id)
    asked_at = time.monotonic()
    with services.database.statement() as statement:
        claim = claims.claim(
            statement,
            UUID(generation_id),
            stages,
            attempt=attempt,
            lease_seconds=lease_seconds,
            holder=services.worker_name,
        )
    if claim is None:
        return
    with services.leases.keep(claim, since=asked_at) as lease:
        onward: Onward | None = Onward(claim, step)
        while onward is not None:
            onward = _take(services, onward, lease)


def _take(services: Services, onward: Onward, lease: Lease) -> Onward | None:
    """Take one step; what goes wrong in it becomes the next state."""
    claim = onward.claim
    try:
        if _is_overdue(claim):
            _time_out(services, claim)
        elif _has_crashed_too_often(services, claim, claim.generation.crashes):
            fail(services, claim, ErrorCode.INTERNAL, INTERNAL)
        else:
            return onward.step(services, claim, lease)
    except Exception as error:  # noqa: BLE001 -- the edge of every stage: whatever went wrong, the row must go on
        _recover(services, claim, error)
    return None


def _recover(services: Services, claim: Claim, error: Exception) -> None:
    """After a step that did not end well. If this fails too, the lease runs out and `wake_at` brings the stage back."""
    stage = claim.generation.stage
    try:
        if isinstance(error, LeaseLost):
            raise error
        if isinstance(error, OUTAGES):
            log.warning("stage_interrupted", stage=stage, error=type(error).__name__)
            wait_out(services, claim)
        else:
            log.error("stage_crashed", stage=stage, exc_info=error)
            crashed(services, claim)
    except LeaseLost:
        log.warning("write_refused", stage=stage, error=type(error).__name__)
        _note_refusal(services, claim, error)


def _note_refusal(services: Services, claim: Claim, error: Exception) -> None:
    """Show on the timeline that the generation had moved on: another worker took it, or our own commit had arrived."""
    data = {"stage": claim.generation.stage, "attempt": claim.generation.attempt, "after": type(error).__name__}
    try:
        with services.database.statement() as statement:
            timeline.note(statement, claim.id, EventName.WRITE_REFUSED, data)
    except OUTAGES as outage:
        log.warning("refusal_not_noted", error=type(outage).__name__)


def advance(
    services: Services,
    claim: Claim,
    target: Stage,
    *,
    wake_in: float | None = None,
    event: Mapping[str, object] | None = None,
    values: Mapping[str, object] | None = None,
    within: Callable[[Executor], None] | None = None,
    then: Step | None = None,
) -> Onward | None:
    """Move a generation on, and wake its next stage unless it has to wait first (`wake_in` seconds).

    Args:
        within: called in the same transaction, after the move.
        then: the next stage's step, for this worker to go on with: where that is little work, handing it over costs
            more than doing it.
    """
    pipeline = services.settings.pipeline
    delay = pipeline.resend_after_seconds if wake_in is None else wake_in
    goes_on = then is not None and pipeline.joins_stages
    move = partial(
        claims.move, held=claim, target=target, wake_in=delay, keep_lease=goes_on, event=event, values=values
    )
    if within is None:
        with services.database.statement() as statement:
            moved = move(statement)
    else:
        with services.database.statements() as statements:
            moved = move(statements)
            within(statements)
    log.info("generation_moved", origin=claim.generation.stage, stage=target)
    if then is not None and goes_on:
        return Onward(moved, then)
    if target in WORK and (wake_in is None or _is_due(moved)):
        is_called_back = wake_in is not None and moved.generation.cancel_requested_at is None
        services.dispatcher.wake(Wake(claim.id, target, moved.generation.attempt, is_called_back=is_called_back))
    return None


def _is_due(moved: Claim) -> bool:
    """Whether it need not wait after all: something came while the worker held the row."""
    row = moved.generation
    return row.wake_at is not None and (row.wake_at - row.stage_at).total_seconds() < _AT_ONCE_SECONDS


def wait_out(services: Services, claim: Claim, *, after: float | None = None) -> None:
    """Come back when an outage may be over; it is nobody's failure, and only the deadline ends the waiting.

    Args:
        after: seconds that the other side asked for; never sooner than our own pause.
    """
    pause = outage_pause(services.settings.pipeline)
    with services.database.statement() as statement:
        claims.put_back(statement, claim, wake_in=max(pause, after or 0.0), resets_failures=False)


def retry(
    services: Services, claim: Claim, *, after: float | None = None, values: Mapping[str, object] | None = None
) -> None:
    """Come back after a gap that widens with every failure; however many there are, only the deadline ends it.

    Args:
        after: seconds that the other side asked for; never sooner than our own gap.
        values: further columns to set.
    """
    failures = claim.generation.failures + 1
    gap = max(backoff(services.settings.pipeline, failures), after or 0.0)
    with services.database.statement() as statement:
        claims.put_back(
            statement, claim, wake_in=gap, resets_failures=False, values={"failures": failures, **(values or {})}
        )


def crashed(services: Services, claim: Claim) -> None:
    """After an error that nobody foresaw: come back later, or give up where that is nobody's loss."""
    crashes = claim.generation.crashes + 1
    if _has_crashed_too_often(services, claim, crashes):
        return fail(services, claim, ErrorCode.INTERNAL, INTERNAL)
    gap = backoff(services.settings.pipeline, crashes)
    with services.database.statement() as statement:
        return claims.put_back(statement, claim, wake_in=gap, resets_failures=False, values={"crashes": crashes})


def after_failed_read(services: Services, claim: Claim, error: ProviderError) -> None:
    """After a read at the provider failed or made no sense: the work is paid for, and only the deadline gives it up."""
    if isinstance(error, ProviderUnavailable):
        log.info("provider_unavailable", stage=claim.generation.stage, reason=loggable(error))
    else:
        log.error("provider_trouble", stage=claim.generation.stage, code=error.code, reason=loggable(error))
    retry(services, claim, after=error.retry_after)


def loggable(error: ProviderError) -> str:
    """What a log may say of an error: a rejection quotes the vendor, who may quote the prompt."""
    return "rejected" if isinstance(error, ProviderRejected) else error.message


def fail(services: Services, claim: Claim, code: ErrorCode, message: str) -> None:
    """End the generation as failed and give the credits back."""
    with services.database.statements() as statements:
        claims.fail(statements, claim, code, message)
    log.info("generation_failed", stage=claim.generation.stage, code=code)


def cancel(services: Services, claim: Claim, *, reason: str, is_free: bool = False) -> None:
    """End the generation as its customer wished, and the hold as its provider bills.

    Args:
        is_free: the provider does not bill this end; nor does any provider what it never began.
    """
    rule = services.catalogue.cancel_rule(claim.order.model, claim.route)
    is_charged = rule is CancelRule.CHARGED and claim.generation.stage is Stage.GENERATING and not is_free
    with services.database.statements() as statements:
        claims.cancel(statements, claim, is_charged=is_charged, event={"reason": reason, "is_charged": is_charged})
    log.info("generation_cancelled", stage=claim.generation.stage, is_charged=is_charged)


def remote_ref(claim: Claim) -> RemoteRef:
    """The vendor's handle on a generation that it accepted."""
    generation = claim.generation
    if generation.remote_id is None:
        raise ValueError(f"generation {claim.id} in {generation.stage} has no remote id")
    return RemoteRef(remote_id=generation.remote_id, model=claim.route.model, links=generation.remote_links)


def seconds_in_stage(claim: Claim) -> float:
    """How long the generation had been in its stage when it was claimed."""
    return (claim.generation.claimed_at - claim.generation.stage_at).total_seconds()


def backoff(pipeline: PipelineSettings, failures: int) -> float:
    """Seconds until the next try after so many failures: doubling, capped, with up to half of it jitter."""
    # The exponent is capped because 2.0 ** 1100 is an OverflowError, and outages can be long.
    return _jittered(min(pipeline.backoff_cap_seconds, pipeline.backoff_base_seconds * 2.0 ** min(failures, 32)))


def outage_pause(pipeline: PipelineSettings) -> float:
    """Seconds until something that was away is tried again."""
    return _jittered(pipeline.outage_pause_seconds)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 -- spreading retries needs no secrecy


def _is_overdue(claim: Claim) -> bool:
    generation = claim.generation
    return generation.stage is not Stage.SETTLING and generation.claimed_at >= generation.deadline_at


def _has_crashed_too_often(services: Services, claim: Claim, crashes: int) -> bool:
    """Whether it is time to give up: a file that exhausts the memory of workers must not take them all."""
    return claim.generation.stage in _CRASHES_END and crashes >= services.settings.pipeline.stage_failures


def _time_out(services: Services, claim: Claim) -> None:
    """Past the deadline: stop the provider where it can be stopped, and end the hold."""
    generation = claim.generation
    if generation.stage is Stage.GENERATING:
        try:
            services.providers.get(generation.provider).cancel(remote_ref(claim))
        except ProviderError as error:
            log.warning("cancel_failed", reason=loggable(error))
    if generation.cancel_requested_at is not None and generation.stage in CANCELLABLE:
        return cancel(services, claim, reason="not confirmed before the deadline")
    code, message = _LATE.get(generation.stage, (ErrorCode.TIMEOUT, "not finished before its deadline"))
    return fail(services, claim, code, message)
