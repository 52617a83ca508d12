"""The step of `submitting` under a later claim: look for a create whose result is unknown.

This step adopts the work that it finds, waits, or gives up. It never sends the create again.
"""

import structlog

from providers.base import AcceptedCreate
from providers.catalogue.models import UnknownSubmit
from schemas.enums import ErrorCode, Stage
from schemas.provider_errors import ProviderError, ProviderUnavailable
from storage import callbacks
from storage.claims import Claim
from storage.leases import Lease
from tasks import lost
from tasks.outcomes import Advance, Cancel, Counts, Fail, Later, Outcome, UnlessCalledBack
from tasks.send import accepted
from tasks.services import WorkerServices
from tasks.timing import FIRST_LOOK_UP_SECONDS
from tasks.troubles import loggable

log = structlog.get_logger()


def resolve(services: WorkerServices, claim: Claim, _lease: Lease) -> Outcome:
    """Look for the create in the row, in callbacks and at the provider. After the grace period, give up."""
    waited = claim.seconds_in_stage
    # The longer the provider shows no work, the less likely a later look finds work: each pause is longer.
    pause = max(FIRST_LOOK_UP_SECONDS, waited)
    try:
        found = known(services, claim) or services.providers.get(claim.generation.provider).look_up(claim.reference)
    except ProviderUnavailable as error:
        # The provider did not answer, so the provider may have the work. That matters where the work is billed.
        log.warning("look_up_failed", reason=loggable(error))
        left = _grace_seconds(services, claim) - waited
        if left <= 0 and services.providers.bills_nothing(claim.generation.provider):
            return UnlessCalledBack(_given_up(services, claim))
        return Later(pause, Counts.SUCCESS, reason=loggable(error))
    except ProviderError as error:
        log.warning("look_up_failed", reason=loggable(error))
        found = None
    if found is not None:
        log.info("submit_adopted", remote_id=found.remote_id)
        return accepted(services, claim, found, is_found=True)
    left = _grace_seconds(services, claim) - waited
    return Later(min(left, pause), Counts.SUCCESS) if left > 0 else UnlessCalledBack(_given_up(services, claim))


def known(services: WorkerServices, claim: Claim) -> AcceptedCreate | None:
    """The create that its sender or a callback recorded, without a call. A callback records only the remote id."""
    generation = claim.generation
    if generation.remote_id is not None:
        return AcceptedCreate(generation.remote_id, generation.remote_links)
    remote_id = _called_back(services, claim)
    return None if remote_id is None else AcceptedCreate(remote_id)


def _called_back(services: WorkerServices, claim: Claim) -> str | None:
    with services.database.statement() as sql:
        return callbacks.adoptable_remote_id(sql, claim.id, claim.generation.provider)


def _grace_seconds(services: WorkerServices, claim: Claim) -> float:
    """The longest time that a create can take. Its sender may be alive even after the lease was lost."""
    pipeline = services.settings.pipeline
    return max(pipeline.unknown_submit_grace_seconds, services.providers.create_seconds(claim.generation.provider))


def _given_up(services: WorkerServices, claim: Claim) -> Advance | Cancel | Fail:
    """The outcome after the grace period: cancel if the customer asked, else follow the route's rule."""
    if claim.generation.cancel_requested_at is not None:
        return Cancel("the provider never said whether it had it")
    if services.catalogue.unknown_submit(claim.order.model, claim.route) is UnknownSubmit.RESUBMIT:
        return Advance(Stage.QUEUED, wait=0.0, event={"reason": "outcome unknown: sent again, as the route says"})
    if (own := lost.never_told(services, claim)) is not None:
        return own
    message = "the provider did not say whether it accepted the request; it was not sent again"
    return Fail(ErrorCode.SUBMIT_OUTCOME_UNKNOWN, message)
