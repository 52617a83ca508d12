"""The outcomes of errors: outages, failures and crashes of steps, and creates that a vendor refused."""

from dataclasses import replace

import structlog
import tenacity

from admission.gate import VIEW_LASTS_SECONDS
from admission.health import is_trouble
from schemas.enums import ErrorCode, Stage
from schemas.limits import Refusal
from schemas.provider_errors import ProviderError, ProviderRejected, ProviderUnavailable, ProviderWorkAbsent
from schemas.setting_groups import PipelineSettings
from storage.admission_learning import Refused
from storage.changes import NOTHING, Changes
from storage.claims import Claim
from storage.outages import OUTAGES
from tasks.outcomes import Advance, Counts, Fail, Later, NotAccepted
from tasks.services import WorkerServices
from tasks.timing import backoff, outage_pause

log = structlog.get_logger()

_OUTLAST_SECONDS = 300.0
_LEAST_PAUSE_SECONDS = 0.5

outlasting_outages = tenacity.retry(
    retry=tenacity.retry_if_exception_type(OUTAGES),
    wait=tenacity.wait_exponential(multiplier=0.1, max=2),
    stop=tenacity.stop_after_delay(_OUTLAST_SECONDS),
    reraise=True,
)
"""Retries a function during an outage, for up to five minutes. For writes that must not be lost."""
INTERNAL = Fail(ErrorCode.INTERNAL, "an internal error; it was reported")

# The stages where repeated crashes end a generation. In the other stages the work is paid for or the result is stored:
# there only the deadline ends a generation, and in `settling` nothing does.
_CRASHES_END = frozenset({Stage.QUEUED, Stage.DOWNLOADING, Stage.STORING})


def outage(services: WorkerServices, reason: str | None) -> Later:
    """Try again after a pause, because a service or a host does not answer, or because all places are taken.

    An outage counts as no failure. Only the deadline ends the retries.

    Args:
        reason: the failure, for the timeline. None: nothing failed.
    """
    return Later(outage_pause(services.settings.pipeline), reason=reason)


def failed(
    services: WorkerServices,
    claim: Claim,
    reason: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    changes: Changes = NOTHING,
) -> Later:
    """Try again after a pause that grows with every failure. Only the deadline ends the retries."""
    gap = backoff(services.settings.pipeline, claim.generation.failures + 1, at_least=at_least)
    return Later(gap if at_most is None else min(gap, at_most), Counts.FAILURE, changes, reason=reason)


def failed_read(services: WorkerServices, claim: Claim, error: ProviderError) -> Later:
    """Try a failed or senseless read at the provider again. The work is paid for, so only the deadline gives it up.

    At a server of our own, which bills nothing, silence ends, too (`tasks.lost`): no pause goes beyond its end, unless
    the server asks for a longer one.
    """
    lost_after = services.providers.lost_after_seconds(claim.generation.provider)
    if lost_after is not None and claim.generation.stage is Stage.GENERATING:
        least = max(_LEAST_PAUSE_SECONDS, error.retry_after or 0.0)
        left = max(least, lost_after - claim.silent_seconds) if error.is_silence else None
        reason, changes = loggable(error), Changes(is_silent=error.is_silence)
        log.info(_silence(error), stage=claim.generation.stage, reason=reason)
        return failed(services, claim, reason, at_least=error.retry_after, at_most=left, changes=changes)
    if isinstance(error, ProviderUnavailable):
        log.info("provider_unavailable", stage=claim.generation.stage, reason=loggable(error))
    else:
        log.error("provider_trouble", stage=claim.generation.stage, code=error.code, reason=loggable(error))
    return failed(services, claim, loggable(error), at_least=error.retry_after)


def _silence(error: ProviderError) -> str:
    """The log event of a failed read at a server of our own."""
    if isinstance(error, ProviderWorkAbsent):
        return "work_absent"
    return "server_silent" if error.is_silence else "provider_trouble"


def crashed(services: WorkerServices, claim: Claim) -> Later | Fail:
    """Try again after an unexpected error, or fail after too many in a stage of `_CRASHES_END`."""
    pipeline, crashes = services.settings.pipeline, claim.generation.crashes + 1
    if is_crashing_for_good(pipeline, claim, crashes):
        return INTERNAL
    return Later(backoff(pipeline, crashes), Counts.CRASH, reason="an internal error")


def is_crashing_for_good(pipeline: PipelineSettings, claim: Claim, crashes: int) -> bool:
    """Whether repeated crashes end the generation. A file that exhausts a worker's memory must not end all workers."""
    return claim.generation.stage in _CRASHES_END and crashes >= pipeline.stage_failures


def loggable(error: ProviderError) -> str:
    """The text of an error for logs. The text of a rejection stays out, because the vendor may quote the prompt."""
    return "rejected" if isinstance(error, ProviderRejected) else error.message


def refused(services: WorkerServices, claim: Claim, error: ProviderError) -> NotAccepted:
    """The outcome of a create that the vendor refused: the same route again, the next route, or a failure."""
    return replace(_after(services, claim, error), refused=_refusal(services, error))


def _after(services: WorkerServices, claim: Claim, error: ProviderError) -> NotAccepted:
    pipeline, failures = services.settings.pipeline, claim.generation.failures
    has_next_route = bool(_routes_left(claim))
    match error:
        case ProviderError(refusal=Refusal() as refusal) if not (refusal.lasts and has_next_route):
            # The generation asks for a place again, and waits in the queue of the account. No failure.
            return _again(error.message, VIEW_LASTS_SECONDS, failures=failures)
        case _ if is_trouble(error) and services.health.is_open(claim.route):
            # The generation takes another route, or waits until the breaker closes. No failure.
            return _again(error.message, VIEW_LASTS_SECONDS, failures=failures)
        case ProviderUnavailable() if failures + 1 < pipeline.submit_failures:
            pause = backoff(pipeline, failures + 1, at_least=error.retry_after)
            return _again(error.message, pause, failures=failures + 1)
        case ProviderRejected():
            return NotAccepted(Fail(error.code, error.message))
        case _:
            reason = loggable(error)
            log.error("provider_trouble", provider=claim.route.provider, code=error.code, reason=reason)
            return NotAccepted(_next_route(claim, error))


def _refusal(services: WorkerServices, error: ProviderError) -> Refused | None:
    """What a refusal says about our account. None: nothing."""
    match error:
        case ProviderError(refusal=Refusal() as refusal):
            settings = services.settings
            pause = settings.admission.spent_retry_seconds if refusal.lasts else outage_pause(settings.pipeline)
            return Refused(refusal, pause, error.retry_after)
        case ProviderUnavailable() if error.retry_after is not None:
            return Refused(Refusal.AWAY, error.retry_after)
    return None


def crashed_before_it_left(services: WorkerServices, claim: Claim) -> NotAccepted:
    """The outcome of an unexpected error before the create left: queue the generation again, a few times."""
    pipeline, crashes = services.settings.pipeline, claim.generation.crashes + 1
    if crashes >= pipeline.stage_failures:
        return NotAccepted(INTERNAL)
    return _again("an internal error", backoff(pipeline, crashes), failures=0, crashes=crashes)


def _again(reason: str, pause: float, *, failures: int, crashes: int | None = None) -> NotAccepted:
    """Move back to `queued`, and send the create again after a pause."""
    changes = Changes(failures=failures, crashes=crashes)
    return NotAccepted(Advance(Stage.QUEUED, wait=pause, event={"reason": reason}, changes=changes))


def _given_up(claim: Claim) -> int:
    """The routes that the generation does not take again, once the present route is among them."""
    return claim.generation.routes_given_up | 1 << claim.generation.route_index


def _routes_left(claim: Claim) -> list[int]:
    """The other routes that the generation may take."""
    return [index for index in range(len(claim.order.routes)) if not _given_up(claim) >> index & 1]


def _next_route(claim: Claim, error: ProviderError) -> Advance | Fail:
    """Give the present route up for this generation."""
    left, routes = _routes_left(claim), claim.order.routes
    if not left:
        return Fail(error.code, error.message)
    index = left[0]
    return Advance(
        Stage.QUEUED,
        wait=0.0,
        event={"reason": error.message, "next_route": index},
        changes=Changes(
            failures=0, route_index=index, provider=routes[index].provider, routes_given_up=_given_up(claim)
        ),
    )
