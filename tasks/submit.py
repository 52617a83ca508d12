"""`generation.submit`: create the work at the provider, once."""

from datetime import timedelta

import structlog
import tenacity
from celery import shared_task

from providers.base import ProviderRequest
from providers.models import UnknownSubmit
from schemas.callback_token import callback_url
from schemas.enums import ErrorCode, Stage, TaskName
from schemas.errors import (
    LeaseLost,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from storage import callbacks, generations
from storage.generations import Claim
from storage.leases import Lease
from tasks import stage
from tasks.polling import next_poll
from tasks.services import Services, current_services

log = structlog.get_logger()


@shared_task(name=TaskName.SUBMIT)
def submit_task(generation_id: str, attempt: int) -> None:
    """Celery's side of `submit`."""
    stage.run(current_services(), generation_id, attempt, {Stage.QUEUED, Stage.SUBMITTING}, submit)


def submit(services: Services, claim: Claim, lease: Lease) -> None:
    """Send a queued generation to its provider, or settle what became of one that was already sent."""
    if claim.generation.stage is Stage.SUBMITTING:
        return _resolve_unknown(services, claim)
    failures = claim.generation.failures
    with services.database.transaction() as session:
        # Committed before the request leaves: from here on, a worker that dies leaves an unknown outcome behind, and
        # nobody sends the request a second time.
        claim = generations.move(session, claim, Stage.SUBMITTING, wake_in=0, keep_lease=True)
    try:
        remote_id = _create(services, claim, lease)
    except ProviderRateLimited as error:
        _requeue(services, claim, error, failures=failures, pause=stage.outage_pause(services.settings.pipeline))
    except ProviderUnavailable as error:
        _requeue_or_next_route(services, claim, error, failures=failures + 1)
    except ProviderOutcomeUnknown as error:
        log.warning("submit_outcome_unknown", reason=stage.loggable(error))
        _wait_for_callback(services, claim)
    except ProviderRejected as error:
        stage.fail(services, claim, error.code, error.message)
    except ProviderError as error:
        log.error("provider_trouble", provider=claim.route.provider, code=error.code, reason=stage.loggable(error))
        _next_route(services, claim, error)
    except Exception:
        # Whether the request left before this cannot be known: what nobody foresaw must not send it again.
        log.exception("submit_crashed")
        _wait_for_callback(services, claim)
    else:
        log.info("submit_accepted", remote_id=remote_id)
        _accepted(services, claim, remote_id)
    return None


def _create(services: Services, claim: Claim, lease: Lease) -> str:
    route = claim.route
    settings = services.settings
    url = callback_url(
        settings.public_url, settings.secret_key.get_secret_value(), provider=route.provider, generation_id=claim.id
    )
    submission = services.providers.get(route.provider).submit(
        ProviderRequest(model=route.model, inputs=claim.order.inputs),
        callback_url=url if settings.providers.named(route.provider).callbacks else None,
        generation_id=claim.id,
        fence=lease.fence,
    )
    return submission.remote_id


# Without this commit the vendor's id is forgotten, and with it work that was paid for: outlast a short outage.
@tenacity.retry(
    retry=tenacity.retry_if_exception_type(stage.OUTAGES),
    wait=tenacity.wait_exponential(multiplier=0.1, max=2),
    stop=tenacity.stop_after_delay(20),
    reraise=True,
)
def _accepted(services: Services, claim: Claim, remote_id: str) -> None:
    has_callback = services.settings.providers.named(claim.route.provider).callbacks
    try:
        stage.advance(
            services,
            claim,
            Stage.GENERATING,
            wake_in=next_poll(services.settings.pipeline, waited_seconds=0.0, has_callback=has_callback),
            event={"provider": claim.route.provider, "route": claim.generation.route_index, "remote_id": remote_id},
            values={"remote_id": remote_id},
        )
    except LeaseLost:
        with services.database.transaction() as session:
            is_kept = generations.remember_remote_id(session, claim, remote_id)
        log.warning("lease_lost_after_create", remote_id=remote_id, is_kept=is_kept)


def _requeue(services: Services, claim: Claim, error: ProviderUnavailable, *, failures: int, pause: float) -> None:
    stage.advance(
        services,
        claim,
        Stage.QUEUED,
        wake_in=max(pause, error.retry_after or 0.0),
        event={"reason": error.message},
        values={"failures": failures},
    )


def _requeue_or_next_route(services: Services, claim: Claim, error: ProviderUnavailable, *, failures: int) -> None:
    pipeline = services.settings.pipeline
    if failures < pipeline.submit_failures:
        _requeue(services, claim, error, failures=failures, pause=stage.backoff(pipeline, failures))
    else:
        _next_route(services, claim, error)


def _next_route(services: Services, claim: Claim, error: ProviderError) -> None:
    route_index = claim.generation.route_index + 1
    routes = claim.order.routes
    if route_index >= len(routes):
        return stage.fail(services, claim, error.code, error.message)
    return stage.advance(
        services,
        claim,
        Stage.QUEUED,
        wake_in=0.0,
        event={"reason": error.message, "next_route": route_index},
        values={"failures": 0, "route_index": route_index, "provider": routes[route_index].provider},
    )


def _wait_for_callback(services: Services, claim: Claim) -> None:
    with services.database.transaction() as session:
        generations.put_back(session, claim, wake_in=services.settings.pipeline.unknown_submit_grace_seconds)


def _resolve_unknown(services: Services, claim: Claim) -> None:
    """A request went out and nobody knows what became of it: adopt what a callback brought, wait, or give up."""
    generation = claim.generation
    with services.database.transaction() as session:
        remote_id = generation.remote_id or callbacks.adoptable_remote_id(session, claim.id, generation.provider)
    if remote_id is not None:
        log.info("submit_adopted", remote_id=remote_id)
        return _accepted(services, claim, remote_id)
    if generation.stage_at is None or generation.claimed_at is None:
        raise ValueError("a claimed generation has both times")
    grace = timedelta(seconds=services.settings.pipeline.unknown_submit_grace_seconds)
    left = (generation.stage_at + grace - generation.claimed_at).total_seconds()
    if left > 0:
        with services.database.transaction() as session:
            return generations.put_back(session, claim, wake_in=left)
    if services.catalogue.unknown_submit(claim.order.model, claim.route) is UnknownSubmit.RESUBMIT:
        return stage.advance(
            services,
            claim,
            Stage.QUEUED,
            wake_in=0.0,
            event={"reason": "outcome unknown: sent again, as the route says"},
        )
    message = "the provider did not say whether it accepted the request; it was not sent again"
    return stage.fail(services, claim, ErrorCode.SUBMIT_OUTCOME_UNKNOWN, message)
