"""The vendor did not take a create, or never got it: try again, take the next route, or give up."""

import structlog

from schemas.enums import Stage
from schemas.errors import ProviderError, ProviderRateLimited, ProviderRejected, ProviderUnavailable
from storage.claims import Claim
from tasks.outcomes import Advance, Fail, NotAccepted
from tasks.services import Services
from tasks.timing import backoff, outage_pause
from tasks.troubles import INTERNAL, loggable

log = structlog.get_logger()


def refused(services: Services, claim: Claim, error: ProviderError) -> NotAccepted:
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


def crashed_before_it_left(services: Services, claim: Claim) -> NotAccepted:
    """An error that nobody foresaw, before anything left: it may be sent again, a few times."""
    pipeline, crashes = services.settings.pipeline, claim.generation.crashes + 1
    if crashes >= pipeline.stage_failures:
        return NotAccepted(INTERNAL)
    return _again("an internal error", backoff(pipeline, crashes), failures=0, crashes=crashes)


def _again(reason: str, pause: float, **counts: int) -> NotAccepted:
    """Back to `queued`, to be sent again after a pause."""
    return NotAccepted(Advance(Stage.QUEUED, wait=pause, event={"reason": reason}, values=counts))


def _next_route(claim: Claim, error: ProviderError) -> Advance | Fail:
    index, routes = claim.generation.route_index + 1, claim.order.routes
    if index >= len(routes):
        return Fail(error.code, error.message)
    return Advance(
        Stage.QUEUED,
        wait=0.0,
        event={"reason": error.message, "next_route": index},
        values={"failures": 0, "route_index": index, "provider": routes[index].provider},
    )
