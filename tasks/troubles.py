"""What trouble comes to: outages, failures and crashes of steps, and creates that a vendor refused."""

import structlog
import tenacity

from schemas.enums import ErrorCode, Stage
from schemas.errors import ProviderError, ProviderRateLimited, ProviderRejected, ProviderUnavailable
from schemas.settings import PipelineSettings
from storage.claims import Claim
from storage.outages import OUTAGES
from storage.transitions import NOTHING, Changes
from tasks.outcomes import Advance, Counts, Fail, Later, NotAccepted
from tasks.services import WorkerServices
from tasks.timing import backoff, outage_pause

log = structlog.get_logger()

_OUTLAST_SECONDS = 300.0

outlasting_outages = tenacity.retry(
    retry=tenacity.retry_if_exception_type(OUTAGES),
    wait=tenacity.wait_exponential(multiplier=0.1, max=2),
    stop=tenacity.stop_after_delay(_OUTLAST_SECONDS),
    reraise=True,
)
"""For what must not be forgotten: the function is tried again for five minutes."""

INTERNAL = Fail(ErrorCode.INTERNAL, "an internal error; it was reported")

# Where a crash that repeats ends a generation. In the others the vendor has been paid, or the customer has a result:
# there the deadline decides, and in `settling` nothing does.
_CRASHES_END = frozenset({Stage.QUEUED, Stage.DOWNLOADING, Stage.STORING})


def outage(services: WorkerServices) -> Later:
    """Something is away. It is nobody's failure, and only the deadline ends the waiting."""
    return Later(outage_pause(services.settings.pipeline))


def failed(
    services: WorkerServices, claim: Claim, *, at_least: float | None = None, changes: Changes = NOTHING
) -> Later:
    """Come back after a gap that widens with every failure; however many there are, only the deadline ends it."""
    gap = backoff(services.settings.pipeline, claim.generation.failures + 1, at_least=at_least)
    return Later(gap, Counts.FAILURE, changes)


def failed_read(services: WorkerServices, claim: Claim, error: ProviderError) -> Later:
    """A read at the provider failed or made no sense: the work is paid for, and only the deadline gives it up."""
    if isinstance(error, ProviderUnavailable):
        log.info("provider_unavailable", stage=claim.generation.stage, reason=loggable(error))
    else:
        log.error("provider_trouble", stage=claim.generation.stage, code=error.code, reason=loggable(error))
    return failed(services, claim, at_least=error.retry_after)


def crashed(services: WorkerServices, claim: Claim) -> Later | Fail:
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


def refused(services: WorkerServices, claim: Claim, error: ProviderError) -> NotAccepted:
    """What follows from the vendor's refusal."""
    pipeline, failures = services.settings.pipeline, claim.generation.failures
    match error:
        case ProviderRateLimited():
            return _again(error.message, outage_pause(pipeline, at_least=error.retry_after), failures=failures)
        case ProviderUnavailable() if failures + 1 < pipeline.submit_failures:
            pause = backoff(pipeline, failures + 1, at_least=error.retry_after)
            return _again(error.message, pause, failures=failures + 1)
        case ProviderRejected():
            return NotAccepted(Fail(error.code, error.message))
        case _:
            reason = loggable(error)
            log.error("provider_trouble", provider=claim.route.provider, code=error.code, reason=reason)
            return NotAccepted(_next_route(claim, error))


def crashed_before_it_left(services: WorkerServices, claim: Claim) -> NotAccepted:
    """An error that nobody foresaw, before anything left: it may be sent again, a few times."""
    pipeline, crashes = services.settings.pipeline, claim.generation.crashes + 1
    if crashes >= pipeline.stage_failures:
        return NotAccepted(INTERNAL)
    return _again("an internal error", backoff(pipeline, crashes), failures=0, crashes=crashes)


def _again(reason: str, pause: float, *, failures: int, crashes: int | None = None) -> NotAccepted:
    """Back to `queued`, to be sent again after a pause."""
    changes = Changes(failures=failures, crashes=crashes)
    return NotAccepted(Advance(Stage.QUEUED, wait=pause, event={"reason": reason}, changes=changes))


def _next_route(claim: Claim, error: ProviderError) -> Advance | Fail:
    index, routes = claim.generation.route_index + 1, claim.order.routes
    if index >= len(routes):
        return Fail(error.code, error.message)
    return Advance(
        Stage.QUEUED,
        wait=0.0,
        event={"reason": error.message, "next_route": index},
        changes=Changes(failures=0, route_index=index, provider=routes[index].provider),
    )
