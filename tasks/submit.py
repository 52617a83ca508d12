"""`generation.submit`: create the work at the provider, once."""

import structlog
from celery import shared_task

from providers.base import ProviderRequest, Submission
from schemas.callback_token import callback_url
from schemas.enums import ErrorCode, Stage, TaskName
from schemas.errors import LeaseLost, ProviderError, ProviderOutcomeUnknown
from storage import claims
from storage.claims import Claim
from storage.leases import Lease
from tasks import conclusions, stage, unknown_submit
from tasks.inputs import provider_request
from tasks.services import Services, current_services

log = structlog.get_logger()


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
        return unknown_submit.resolve(services, claim)
    if claim.generation.cancel_requested_at is not None:
        return stage.cancel(services, claim, reason="cancelled before the provider had it")
    failures = claim.generation.failures
    try:
        # Before the intent: as long as the inputs are read, nothing can have left.
        request = provider_request(services, claim, services.providers.get(claim.route.provider), lease)
    except ProviderError as error:
        return conclusions.refused(services, claim, error, failures=failures)
    return _send(services, _declare(services, claim), lease, request, failures=failures)


def _declare(services: Services, claim: Claim) -> Claim:
    """Commit the intent before the request leaves.

    From here on, a worker that dies leaves an unknown outcome behind, and nobody sends the request a second time.
    """
    try:
        with services.database.statement() as statement:
            return claims.move(statement, claim, Stage.SUBMITTING, wake_in=0, keep_lease=True)
    except stage.OUTAGES:
        # The commit may have arrived, and only its acknowledgement not. Nothing was sent.
        conclusions.withdraw(services, claim)
        raise


def _send(services: Services, claim: Claim, lease: Lease, request: ProviderRequest, *, failures: int) -> None:
    """Make the create, and write down what became of it. `failures`: refusals in a row before this one."""
    departure = Departure(lease)
    try:
        submission = _create(services, claim, request, departure)
    except ProviderOutcomeUnknown as error:
        log.warning("submit_outcome_unknown", reason=stage.loggable(error))
        conclusions.unknown(services, claim, reason=error.message)
    except ProviderError as error:
        conclusions.refused(services, claim, error, failures=failures)
    except LeaseLost:
        log.warning("submit_kept_here")
        conclusions.withdraw(services, claim)
    except Exception:
        log.exception("submit_crashed", has_left=departure.has_left)
        _after_crash(services, claim, departure)
    else:
        log.info("submit_accepted", remote_id=submission.remote_id)
        conclusions.accepted(services, claim, submission)


def _create(services: Services, claim: Claim, request: ProviderRequest, departure: Departure) -> Submission:
    route = claim.route
    settings = services.settings
    url = callback_url(
        settings.public_url, settings.secret_key.get_secret_value(), provider=route.provider, generation_id=claim.id
    )
    return services.providers.get(route.provider).submit(
        request,
        callback_url=url if services.providers.calls_back(route.provider) else None,
        generation_id=claim.id,
        fence=departure,
    )


def _after_crash(services: Services, claim: Claim, departure: Departure) -> None:
    """After an error that nobody foresaw: what may have left must not be sent again; the rest may, a few times."""
    if departure.has_left:
        return conclusions.unknown(services, claim, reason="an internal error after it was sent")
    pipeline = services.settings.pipeline
    crashes = claim.generation.crashes + 1

    def conclude() -> None:
        if crashes >= pipeline.stage_failures:
            return stage.fail(services, claim, ErrorCode.INTERNAL, stage.INTERNAL)
        pause = stage.backoff(pipeline, crashes)
        return conclusions.requeue(services, claim, "an internal error", pause, values={"crashes": crashes})

    return conclusions.not_accepted(services, claim, conclude)
