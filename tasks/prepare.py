"""The step of `queued`: make the vendor's request, and declare the intent to send a create."""

import structlog

from schemas.enums import Stage
from schemas.provider_errors import ProviderError
from schemas.shares import NoPlace
from storage.claims import Claim
from storage.leases import Lease
from tasks.admit import admit
from tasks.inputs import provider_request
from tasks.outcomes import Advance, Cancel, Outcome
from tasks.services import WorkerServices
from tasks.troubles import outage, refused

log = structlog.get_logger()


def prepare(services: WorkerServices, claim: Claim, lease: Lease) -> Outcome:
    """Get a place at the account, read the inputs and make the request. No create leaves during this step."""
    if claim.generation.cancel_requested_at is not None:
        return Cancel("cancelled before the provider had it")
    if (outcome := admit(services, claim)) is not None:
        return outcome
    try:
        request = provider_request(services, claim, services.providers.get(claim.route.provider), lease)
    except NoPlace:
        log.info("inputs_wait", customer_id=claim.generation.customer_id)
        return outage(services, None)
    except ProviderError as error:
        return refused(services, claim, error)
    return Advance(Stage.SUBMITTING, carries=request)
