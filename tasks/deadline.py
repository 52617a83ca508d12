"""Past its deadline a generation ends, whatever its stage would have done next."""

import structlog

from schemas.enums import ErrorCode, Stage
from schemas.errors import ProviderError
from schemas.stages import CANCELLABLE
from storage.claims import Claim
from storage.leases import Lease
from tasks.outcomes import Fail, Outcome
from tasks.remote import cancelled, remote_ref
from tasks.services import Services
from tasks.troubles import loggable

log = structlog.get_logger()

# Where a passed deadline says more than that time is up.
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


def is_past(claim: Claim) -> bool:
    """Whether a generation is late. In `settling` it never is: the result is stored."""
    generation = claim.generation
    return generation.stage is not Stage.SETTLING and generation.claimed_at >= generation.deadline_at


def time_out(services: Services, claim: Claim, _lease: Lease) -> Outcome:
    """Stop the provider where it can be stopped, and end the hold."""
    generation = claim.generation
    if generation.stage is Stage.GENERATING:
        try:
            services.providers.get(generation.provider).cancel(remote_ref(claim))
        except ProviderError as error:
            log.warning("cancel_failed", reason=loggable(error))
    if generation.cancel_requested_at is not None and generation.stage in CANCELLABLE:
        return cancelled(services, claim, "not confirmed before the deadline")
    return _LATE.get(generation.stage, Fail(ErrorCode.TIMEOUT, "not finished before its deadline"))
