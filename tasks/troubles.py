"""What trouble in a step comes to."""

from collections.abc import Mapping

import structlog

from schemas.enums import ErrorCode, Stage
from schemas.errors import ProviderError, ProviderRejected, ProviderUnavailable
from schemas.settings import PipelineSettings
from storage.claims import Claim
from tasks.outcomes import Counts, Fail, Later
from tasks.services import Services
from tasks.timing import backoff, outage_pause

log = structlog.get_logger()

INTERNAL = Fail(ErrorCode.INTERNAL, "an internal error; it was reported")

# Where a crash that repeats ends a generation. In the others the vendor has been paid, or the customer has a result:
# there the deadline decides, and in `settling` nothing does.
_CRASHES_END = frozenset({Stage.QUEUED, Stage.DOWNLOADING, Stage.STORING})


def outage(services: Services) -> Later:
    """Something is away. It is nobody's failure, and only the deadline ends the waiting."""
    return Later(outage_pause(services.settings.pipeline))


def failed(
    services: Services, claim: Claim, *, at_least: float | None = None, values: Mapping[str, object] | None = None
) -> Later:
    """Come back after a gap that widens with every failure; however many there are, only the deadline ends it."""
    gap = backoff(services.settings.pipeline, claim.generation.failures + 1, at_least=at_least)
    return Later(gap, Counts.FAILURE, values or {})


def failed_read(services: Services, claim: Claim, error: ProviderError) -> Later:
    """A read at the provider failed or made no sense: the work is paid for, and only the deadline gives it up."""
    if isinstance(error, ProviderUnavailable):
        log.info("provider_unavailable", stage=claim.generation.stage, reason=loggable(error))
    else:
        log.error("provider_trouble", stage=claim.generation.stage, code=error.code, reason=loggable(error))
    return failed(services, claim, at_least=error.retry_after)


def crashed(services: Services, claim: Claim) -> Later | Fail:
    """An error that nobody foresaw: come back later, or give up where that is nobody's loss."""
    pipeline, crashes = services.settings.pipeline, claim.generation.crashes + 1
    if is_crashing_for_good(pipeline, claim, crashes):
        return INTERNAL
    return Later(backoff(pipeline, crashes), Counts.CRASH)


def is_crashing_for_good(pipeline: PipelineSettings, claim: Claim, crashes: int) -> bool:
    """Whether it is time to give up: a file that exhausts the memory of workers must not take them all."""
    return claim.generation.stage in _CRASHES_END and crashes >= pipeline.stage_failures


def loggable(error: ProviderError) -> str:
    """What a log may say of an error: a rejection quotes the vendor, who may quote the prompt."""
    return "rejected" if isinstance(error, ProviderRejected) else error.message
