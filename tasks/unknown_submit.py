"""A create went out and nobody knows what became of it: adopt what is found, wait, or give up. Never send it again."""

import structlog

from providers.base import Submission
from providers.catalogue.models import UnknownSubmit
from schemas.enums import ErrorCode, Stage
from schemas.errors import LeaseLost, ProviderError, ProviderUnavailable
from storage import callbacks, claims
from storage.claims import Claim
from tasks import conclusions, stage
from tasks.services import Services

log = structlog.get_logger()


def resolve(services: Services, claim: Claim) -> None:
    """Take a generation in `submitting`, whose sender is gone, one step further."""
    try:
        found = _known(services, claim) or services.providers.get(claim.generation.provider).look_up(claim.id)
    except ProviderUnavailable as error:
        # It may have the work: who has not been asked has not said no.
        log.warning("look_up_failed", reason=stage.loggable(error))
        return _look_again(services, claim, max(conclusions.FIRST_LOOK_UP_SECONDS, stage.seconds_in_stage(claim)))
    except ProviderError as error:
        log.warning("look_up_failed", reason=stage.loggable(error))
        found = None
    if found is not None:
        log.info("submit_adopted", remote_id=found.remote_id)
        return conclusions.accepted(services, claim, found, is_found=True)
    waited = stage.seconds_in_stage(claim)
    left = _grace_seconds(services, claim) - waited
    if left > 0:
        # Ever more seldom: what the provider does not show after a while, it will hardly show later.
        return _look_again(services, claim, min(left, max(conclusions.FIRST_LOOK_UP_SECONDS, waited)))
    try:
        return _give_up(services, claim)
    except LeaseLost:
        # A callback came while we gave up: it brought the id. If the lease is lost, too, this is refused as well.
        return _look_again(services, claim, 0.0)


def _known(services: Services, claim: Claim) -> Submission | None:
    """What the worker that sent it, or a callback, left behind; a callback brings the id alone."""
    generation = claim.generation
    if generation.remote_id is not None:
        return Submission(generation.remote_id, generation.remote_links)
    with services.database.transaction() as session:
        remote_id = callbacks.adoptable_remote_id(session, claim.id, generation.provider)
    return None if remote_id is None else Submission(remote_id)


def _grace_seconds(services: Services, claim: Claim) -> float:
    """How long a create may be on its way: its sender may be alive though it lost its lease."""
    pipeline = services.settings.pipeline
    return max(pipeline.unknown_submit_grace_seconds, services.providers.create_seconds(claim.generation.provider))


def _look_again(services: Services, claim: Claim, wake_in: float) -> None:
    with services.database.statement() as statement:
        claims.put_back(statement, claim, wake_in=wake_in)


def _give_up(services: Services, claim: Claim) -> None:
    """Nothing was found in the time that there is: as the customer wishes, or else as the route says."""
    with services.database.transaction() as session:
        claims.require_no_callback_since(session, claim)
        if claim.generation.cancel_requested_at is not None:
            reason = {"reason": "the provider never said whether it had it", "is_charged": False}
            claims.cancel(session, claim, is_charged=False, event=reason)
        elif services.catalogue.unknown_submit(claim.order.model, claim.route) is UnknownSubmit.RESUBMIT:
            event = {"reason": "outcome unknown: sent again, as the route says"}
            claims.move(session, claim, Stage.QUEUED, wake_in=0.0, event=event)
        else:
            message = "the provider did not say whether it accepted the request; it was not sent again"
            claims.fail(session, claim, ErrorCode.SUBMIT_OUTCOME_UNKNOWN, message)
    log.info("submit_given_up")
