"""`generation.submit`: create the work at the provider, once."""

from collections.abc import Mapping

import structlog
import tenacity
from celery import shared_task

from providers.base import ProviderRequest
from providers.models import UnknownSubmit
from schemas.callback_token import callback_url
from schemas.enums import ErrorCode, EventName, Stage, TaskName
from schemas.errors import (
    LeaseLost,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from storage import callbacks, generations, submissions, timeline
from storage.generations import Claim
from storage.leases import Lease
from tasks import stage
from tasks.polling import next_poll
from tasks.services import Services, current_services

log = structlog.get_logger()

_FIRST_LOOK_UP_SECONDS = 2.0


@shared_task(name=TaskName.SUBMIT)
def submit_task(generation_id: str, attempt: int) -> None:
    """Celery's side of `submit`."""
    stage.run(current_services(), generation_id, attempt, {Stage.QUEUED, Stage.SUBMITTING}, submit)


class Departure:
    """The fence of one create, and whether it was passed: what did not leave may be sent again."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.has_left = False

    def __call__(self) -> None:
        """Let the create leave, if the generation is still ours by the lease's clock.

        Raises:
            LeaseLost: it may be another worker's.
        """
        self._lease.fence()
        self.has_left = True


def submit(services: Services, claim: Claim, lease: Lease) -> None:
    """Send a queued generation to its provider, or settle what became of one that was already sent."""
    if claim.generation.stage is Stage.SUBMITTING:
        return _resolve_unknown(services, claim)
    if claim.generation.cancel_requested_at is not None:
        return stage.cancel(services, claim, reason="cancelled before the provider had it")
    sender = _declare(services, claim)
    return _send(services, sender, lease, failures=claim.generation.failures)


def _declare(services: Services, claim: Claim) -> Claim:
    """Commit the intent before the request leaves.

    From here on, a worker that dies leaves an unknown outcome behind, and nobody sends the request a second time.
    """
    try:
        with services.database.transaction() as session:
            return generations.move(session, claim, Stage.SUBMITTING, wake_in=0, keep_lease=True)
    except stage.OUTAGES:
        # The commit may have arrived, and only its acknowledgement not. Nothing was sent.
        _withdraw(services, claim)
        raise


def _send(services: Services, claim: Claim, lease: Lease, *, failures: int) -> None:
    """Make the create, and write down what became of it. `failures`: refusals in a row before this one."""
    departure = Departure(lease)
    try:
        remote_id = _create(services, claim, departure)
    except ProviderRateLimited as error:
        pause = stage.outage_pause(services.settings.pipeline)
        _requeue(services, claim, error.message, failures=failures, pause=max(pause, error.retry_after or 0.0))
    except ProviderUnavailable as error:
        _requeue_or_next_route(services, claim, error, failures=failures + 1)
    except ProviderOutcomeUnknown as error:
        log.warning("submit_outcome_unknown", reason=stage.loggable(error))
        _await_outcome(services, claim, reason=error.message)
    except ProviderRejected as error:
        stage.fail(services, claim, error.code, error.message)
    except ProviderError as error:
        log.error("provider_trouble", provider=claim.route.provider, code=error.code, reason=stage.loggable(error))
        _next_route(services, claim, error)
    except LeaseLost:
        log.warning("submit_kept_here")
        _withdraw(services, claim)
    except Exception:
        log.exception("submit_crashed", has_left=departure.has_left)
        _after_crash(services, claim, departure)
    else:
        log.info("submit_accepted", remote_id=remote_id)
        _accepted(services, claim, remote_id)


def _after_crash(services: Services, claim: Claim, departure: Departure) -> None:
    """After an error that nobody foresaw: what may have left must not be sent again; the rest may, a few times."""
    crashes = claim.generation.crashes + 1
    if departure.has_left:
        _await_outcome(services, claim, reason="an internal error after it was sent")
    elif crashes < services.settings.pipeline.stage_failures:
        pause = stage.backoff(services.settings.pipeline, crashes)
        _requeue(services, claim, "an internal error", pause=pause, values={"crashes": crashes})
    else:
        stage.fail(services, claim, ErrorCode.INTERNAL, stage.INTERNAL)


def _create(services: Services, claim: Claim, departure: Departure) -> str:
    route = claim.route
    settings = services.settings
    url = callback_url(
        settings.public_url, settings.secret_key.get_secret_value(), provider=route.provider, generation_id=claim.id
    )
    submission = services.providers.get(route.provider).submit(
        ProviderRequest(model=route.model, inputs=claim.order.inputs),
        callback_url=url if settings.providers.named(route.provider).callbacks else None,
        generation_id=claim.id,
        fence=departure,
    )
    return submission.remote_id


_outlast_outage = tenacity.retry(
    retry=tenacity.retry_if_exception_type(stage.OUTAGES),
    wait=tenacity.wait_exponential(multiplier=0.1, max=2),
    stop=tenacity.stop_after_delay(20),
    reraise=True,
)
"""What only this worker knows would be forgotten with it: it asks the database again for a while."""


@_outlast_outage
def _accepted(services: Services, claim: Claim, remote_id: str) -> None:
    has_callback = services.settings.providers.named(claim.route.provider).callbacks
    is_unwanted = claim.generation.cancel_requested_at is not None
    first_poll = next_poll(services.settings.pipeline, waited_seconds=0.0, has_callback=has_callback)
    try:
        stage.advance(
            services,
            claim,
            Stage.GENERATING,
            wake_in=0.0 if is_unwanted else first_poll,
            event={"provider": claim.route.provider, "route": claim.generation.route_index, "remote_id": remote_id},
            values={"remote_id": remote_id},
        )
    except LeaseLost:
        with services.database.transaction() as session:
            is_kept = submissions.accepted(session, claim, remote_id)
        log.warning("lease_lost_after_create", remote_id=remote_id, is_kept=is_kept)


@_outlast_outage
def _withdraw(services: Services, claim: Claim) -> None:
    with services.database.transaction() as session:
        is_withdrawn = submissions.withdraw(session, claim)
    log.info("submit_withdrawn", is_withdrawn=is_withdrawn)


def _requeue(
    services: Services,
    claim: Claim,
    reason: str,
    *,
    pause: float,
    failures: int = 0,
    values: Mapping[str, object] | None = None,
) -> None:
    stage.advance(
        services,
        claim,
        Stage.QUEUED,
        wake_in=pause,
        event={"reason": reason},
        values={"failures": failures, **(values or {})},
    )


def _requeue_or_next_route(services: Services, claim: Claim, error: ProviderUnavailable, *, failures: int) -> None:
    pipeline = services.settings.pipeline
    if failures < pipeline.submit_failures:
        pause = max(stage.backoff(pipeline, failures), error.retry_after or 0.0)
        _requeue(services, claim, error.message, failures=failures, pause=pause)
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


def _await_outcome(services: Services, claim: Claim, *, reason: str) -> None:
    """Leave the generation to the callback, and to look-ups at the provider."""
    with services.database.transaction() as session:
        generations.put_back(session, claim, wake_in=_FIRST_LOOK_UP_SECONDS)
        timeline.note(session, claim.id, EventName.SUBMIT_UNKNOWN, {"reason": reason})


def _resolve_unknown(services: Services, claim: Claim) -> None:
    """A request went out and nobody knows what became of it: adopt what is found, wait, or give up."""
    remote_id = _known_remote_id(services, claim) or _look_up(services, claim)
    if remote_id is not None:
        log.info("submit_adopted", remote_id=remote_id)
        return _accepted(services, claim, remote_id)
    waited = stage.seconds_in_stage(claim)
    left = services.settings.pipeline.unknown_submit_grace_seconds - waited
    if left > 0:
        with services.database.transaction() as session:
            # Ever more seldom: what the provider does not show after a while, it will hardly show later.
            return generations.put_back(session, claim, wake_in=min(left, max(_FIRST_LOOK_UP_SECONDS, waited)))
    return _give_up(services, claim)


def _known_remote_id(services: Services, claim: Claim) -> str | None:
    """What the worker that sent it, or a callback, left behind."""
    generation = claim.generation
    with services.database.transaction() as session:
        return generation.remote_id or callbacks.adoptable_remote_id(session, claim.id, generation.provider)


def _look_up(services: Services, claim: Claim) -> str | None:
    """What the provider knows under our own reference."""
    try:
        found = services.providers.get(claim.generation.provider).look_up(claim.id)
    except ProviderError as error:
        log.warning("look_up_failed", reason=stage.loggable(error))
        return None
    return None if found is None else found.remote_id


def _give_up(services: Services, claim: Claim) -> None:
    """Nothing was found in the time that there is: as the customer wishes, or else as the route says."""
    if claim.generation.cancel_requested_at is not None:
        return stage.cancel(services, claim, reason="the provider never said whether it had it")
    if services.catalogue.unknown_submit(claim.order.model, claim.route) is UnknownSubmit.RESUBMIT:
        return _requeue(services, claim, "outcome unknown: sent again, as the route says", pause=0.0)
    message = "the provider did not say whether it accepted the request; it was not sent again"
    return stage.fail(services, claim, ErrorCode.SUBMIT_OUTCOME_UNKNOWN, message)
