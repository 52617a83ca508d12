"""Ends a generation before its step runs: past its deadline, or after too many crashes in a row.

A deadline passes, or an operator ends it (the lever `fail`). The provider is asked to stop the work whose id is known:
a vendor before the end, a server of our own after the end (`tasks.stop_runs`), because such a server may hang.
In `submitting` the create may be on its way: its sender asks when the answer brings the id (`tasks.apply`).
"""

from dataclasses import replace

from providers.base import AcceptedCreate
from schemas.enums import ErrorCode, Stage
from schemas.levers import ENDED_BY_OPERATOR
from schemas.stages import AT_PROVIDER, CANCELLABLE
from storage import admission, timeline
from storage.claims import Claim
from tasks.outcomes import Cancel, Fail, Outcome
from tasks.remote import cancelled, stop
from tasks.resolve import known
from tasks.services import WorkerServices
from tasks.troubles import INTERNAL, is_crashing_for_good

_UNFINISHED = "not finished before its deadline"

# The stages whose failure past the deadline has a message of its stage.
_LATE = {
    Stage.SUBMITTING: Fail(
        ErrorCode.SUBMIT_OUTCOME_UNKNOWN,
        "the provider did not say whether it accepted the request before the deadline",
    ),
    Stage.DOWNLOADING: Fail(
        ErrorCode.DOWNLOAD_FAILED,
        "the result could not be fetched from the provider before the deadline",
    ),
}


def end_of(services: WorkerServices, claim: Claim, *, asks_vendor: bool = True) -> Outcome | None:
    """The end of a generation that is past its deadline or crashed too often. None if the generation goes on.

    `settling` has no deadline: the result is stored.

    Args:
        asks_vendor: ask a vendor to stop work that is past its deadline.
    """
    generation = claim.generation
    if generation.stage is not Stage.SETTLING and generation.claimed_at >= generation.deadline_at:
        return _late(services, claim, asks_vendor=asks_vendor)
    return INTERNAL if is_crashing_for_good(services.settings.pipeline, claim, generation.crashes) else None


def _late(services: WorkerServices, claim: Claim, *, asks_vendor: bool) -> Fail | Cancel:
    """Ask the provider to stop running work, and end the generation. The end settles the hold."""
    work = known(services, claim) if claim.generation.stage in AT_PROVIDER else None
    if work is not None and services.providers.stops_own_work(claim.route.provider):
        return replace(_end(services, claim, work), leaves_run=work.remote_id)
    if asks_vendor and work is not None:
        stop(services, claim, work.remote_id, work.links)
    return _end(services, claim, work)


def _end(services: WorkerServices, claim: Claim, work: AcceptedCreate | None) -> Fail | Cancel:
    generation = claim.generation
    if _is_ended_by_operator(services, claim):
        is_unknown = generation.stage is Stage.SUBMITTING and work is None
        return Fail(ErrorCode.SUBMIT_OUTCOME_UNKNOWN if is_unknown else ErrorCode.INTERNAL, ENDED_BY_OPERATOR)
    if generation.cancel_requested_at is not None and generation.stage in CANCELLABLE:
        return cancelled(services, claim, "not confirmed before the deadline")
    late = _LATE.get(generation.stage, Fail(ErrorCode.TIMEOUT, _UNFINISHED))
    cause = None if generation.stage is Stage.SUBMITTING else _cause(services, claim)
    return late if cause is None else replace(late, message=f"{late.message}; {cause}")


def _is_ended_by_operator(services: WorkerServices, claim: Claim) -> bool:
    with services.database.statement() as sql:
        return timeline.is_failed_by_operator(sql, claim.id)


def _cause(services: WorkerServices, claim: Claim) -> str | None:
    """Why the stage did not end, in words for the customer. The timeline has the reason for operators.

    The reason can name accounts of providers and inner errors.
    """
    generation = claim.generation
    with services.database.statement() as sql:
        if generation.stage is Stage.QUEUED and admission.waits(sql, claim.id):
            return "it waited for a place at its provider"
        word = timeline.unknown_status(sql, claim.id) if generation.stage is Stage.GENERATING else None
        reason = timeline.last_reason(sql, claim.id, generation.stage)
    if word is not None:
        return "the provider reported a status that Reelworks does not know"
    # Reads that succeed write no entry: `failures` says whether the last read failed.
    is_stale = generation.stage is Stage.GENERATING and generation.failures == 0
    return None if reason is None or is_stale else "the last try failed"
