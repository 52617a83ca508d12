"""The step of `generating`: read the state at the provider, because a poll is due or a callback came."""

from dataclasses import replace

import structlog

from providers.base import Cancellation, RemoteState, RemoteStatus
from schemas.enums import ErrorCode, EventName, FoundBy, Stage
from schemas.limits import RemoteWait
from schemas.provider_errors import ProviderError
from schemas.stages import progress_within
from storage.changes import Changes
from storage.claims import Claim
from storage.leases import Lease
from tasks import lost
from tasks.outcomes import Advance, Cancel, CancelSent, Counts, Fail, Later, Note, Outcome
from tasks.polls import seconds_to_poll
from tasks.remote import cancelled, remote_ref
from tasks.services import WorkerServices
from tasks.troubles import failed_read, loggable

log = structlog.get_logger()

# Without a number from the vendor, progress is an estimate: half of the stage after this time, and never all of it.
_HALF_WAY_SECONDS = {"image": 8.0, "video": 45.0}


def poll(services: WorkerServices, claim: Claim, _lease: Lease) -> Outcome:
    """Pass on a customer's cancellation, then read the state at the provider once and act on the state."""
    if claim.generation.cancel_requested_at is not None and claim.generation.cancel_sent_at is None:
        passed_on = _pass_on(services, claim)
        if passed_on is not None:
            return passed_on
    try:
        state = services.providers.get(claim.generation.provider).poll(remote_ref(claim))
    except ProviderError as error:
        services.health.failed(claim.route, claim.id, error, is_create=False)
        if error.is_silence and lost.is_lost(services, claim):
            return replace(lost.silent(services, claim, error), found_by=_found_by(services, claim))
        return failed_read(services, claim, error)
    services.health.answered(claim.route, claim.id, is_create=False)
    match state.status:
        case RemoteStatus.QUEUED | RemoteStatus.RUNNING:
            return _wait(services, claim, state)
        case RemoteStatus.UNKNOWN:
            # No news: the work goes on, or has ended in words that we cannot read. Only the deadline gives it up.
            told = {"provider": claim.generation.provider, "status": state.word}
            return replace(_wait(services, claim, state), once=Note(EventName.STATUS_UNKNOWN, told))
        case RemoteStatus.SUCCEEDED:
            return replace(_deliver(claim, state), found_by=_found_by(services, claim))
        case RemoteStatus.LOST:
            return replace(
                lost.told_lost(services, claim, has_begun=state.has_begun), found_by=_found_by(services, claim)
            )
        case RemoteStatus.FAILED | RemoteStatus.CANCELLED:
            return replace(_end(services, claim, state), found_by=_found_by(services, claim))


def _found_by(services: WorkerServices, claim: Claim) -> FoundBy:
    """The reason for this read, which found the end of the provider's work."""
    if claim.is_called_back:
        return FoundBy.CALLBACK
    return FoundBy.SAFETY_POLL if services.providers.calls_back(claim.generation.provider) else FoundBy.POLL


def _pass_on(services: WorkerServices, claim: Claim) -> Cancel | CancelSent | None:
    """Ask the provider to stop the work. Returns None if the request failed."""
    provider = claim.generation.provider
    try:
        answer = services.providers.get(provider).cancel(remote_ref(claim))
    except ProviderError as error:
        # The next poll asks again. The state, which is read next, may show that the work has ended.
        log.warning("cancel_failed", code=error.code, reason=loggable(error))
        return None
    if answer is Cancellation.STOPPED:
        return cancelled(services, claim, "the provider stopped it")
    return CancelSent(Note(EventName.CANCEL_SENT, {"provider": provider, "answer": answer}))


def _wait(services: WorkerServices, claim: Claim, state: RemoteState) -> Later:
    waited = claim.seconds_in_stage
    estimate = waited / (waited + _HALF_WAY_SECONDS[claim.generation.kind])
    percent = progress_within(Stage.GENERATING, estimate if state.progress is None else state.progress)
    if state.is_throttled:
        services.gate.throttled(claim.generation.provider, claim.id)
    changes = Changes(progress=percent, remote_wait=_remote_wait(state), remote_ahead=state.ahead)
    return Later(seconds_to_poll(services, claim, waited), Counts.SUCCESS, changes)


def _remote_wait(state: RemoteState) -> RemoteWait | None:
    match state.status:
        case RemoteStatus.QUEUED:
            return RemoteWait.THROTTLED if state.is_throttled else RemoteWait.QUEUED
        case RemoteStatus.RUNNING:
            return RemoteWait.RUNNING
    return None


def _deliver(claim: Claim, state: RemoteState) -> Advance:
    was_unwanted = claim.generation.cancel_requested_at is not None
    return Advance(
        Stage.DOWNLOADING,
        changes=Changes(
            result_urls=state.result_urls,
            provider_credits=state.provider_credits,
            provider_seconds=state.provider_seconds,
        ),
        notes=[Note(EventName.CANCEL_TOO_LATE)] if was_unwanted else (),
    )


def _end(services: WorkerServices, claim: Claim, state: RemoteState) -> Fail | Cancel:
    """The outcome of work that ended without a result: a cancellation if the customer asked for one, else a failure."""
    if claim.generation.cancel_requested_at is None:
        code = state.error_code or ErrorCode.PROVIDER_FAILED
        return Fail(code, state.error_message or "the provider did not finish it")
    if state.status is RemoteStatus.CANCELLED:
        return cancelled(services, claim, "the provider stopped it")
    return Cancel("the provider failed before it stopped")
