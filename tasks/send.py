"""The step of `submitting` under the claim that declared the intent: send the create to the vendor, once."""

import structlog

from metrics.families import FENCES
from metrics.labels import Fence
from providers.base import STORED_FILE, AcceptedCreate, ProviderRequest
from schemas.callback_token import callback_url, node_callback_url
from schemas.enums import Door, Stage
from schemas.errors import LeaseLost
from schemas.limits import RemoteWait
from schemas.provider_errors import ProviderError, ProviderOutcomeUnknown
from storage.changes import Changes
from storage.claims import Claim
from storage.leases import Lease
from tasks import files
from tasks.outcomes import Advance, File, NotAccepted, Outcome, Unknown
from tasks.polls import seconds_to_poll
from tasks.services import WorkerServices
from tasks.troubles import crashed_before_it_left, loggable, refused

log = structlog.get_logger()


class Departure:
    """The fence of one create, and whether the create passed the fence.

    A create that did not pass the fence may be sent again.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.has_left = False

    def __call__(self) -> None:
        """Let the create leave if the lease is valid by this worker's clock.

        Raises:
            LeaseLost: another worker may have the claim.
        """
        self._lease.fence()
        self.has_left = True


def send(services: WorkerServices, claim: Claim, lease: Lease, request: ProviderRequest) -> Outcome:
    """Send the create, and return its result as an outcome."""
    departure, health = Departure(lease), services.health
    try:
        created = _create(services, claim, request, departure)
    except ProviderOutcomeUnknown as error:
        health.failed(claim.route, claim.id, error, is_create=True)
        log.warning("submit_outcome_unknown", reason=loggable(error))
        return Unknown(error.message)
    except ProviderError as error:
        health.failed(claim.route, claim.id, error, is_create=True)
        return refused(services, claim, error)
    except LeaseLost:
        FENCES.add(Fence.CREATE)
        log.warning("submit_kept_here")
        return NotAccepted()
    except Exception:
        log.exception("submit_crashed", has_left=departure.has_left)
        if departure.has_left:
            return Unknown("an internal error after it was sent")
        return crashed_before_it_left(services, claim)
    health.answered(claim.route, claim.id, is_create=True)
    log.info("submit_accepted", remote_id=created.remote_id)
    return accepted(services, claim, created)


def accepted(services: WorkerServices, claim: Claim, created: AcceptedCreate, *, is_found: bool = False) -> Advance:
    """The vendor accepted the create: move to `generating`, and wait for a callback or the first poll.

    Args:
        is_found: a callback or a look-up reported the create, so the work may be finished already.
    """
    provider = claim.route.provider
    is_urgent = is_found or created.is_finished or claim.generation.cancel_requested_at is not None
    file, links = _file(claim, created), dict(created.links)
    if file is not None:
        links[STORED_FILE] = files.link_to(file.key)
    return Advance(
        Stage.GENERATING,
        wait=0.0 if is_urgent else seconds_to_poll(services, claim, 0.0),
        event={"provider": provider, "route": claim.generation.route_index, "remote_id": created.remote_id},
        changes=Changes(
            remote_id=created.remote_id,
            remote_links=links,
            remote_wait=None if created.ahead is None else RemoteWait.QUEUED,
            remote_ahead=created.ahead,
            object_key=None if file is None else file.key,
        ),
        file=file,
    )


def _file(claim: Claim, created: AcceptedCreate) -> File | None:
    """The file that came with the vendor's answer, under the key that a download would use."""
    if created.file is None:
        return None
    media = files.media_of(created.file)
    return File(files.object_key(claim, media), created.file, files.content_type(media))


def _create(services: WorkerServices, claim: Claim, request: ProviderRequest, departure: Departure) -> AcceptedCreate:
    return services.providers.get(claim.route.provider).submit(
        request, callback_url=_callback_url(services, claim), generation_id=claim.reference, fence=departure
    )


def _callback_url(services: WorkerServices, claim: Claim) -> str | None:
    """The URL of the create's callbacks. It names the order's reference where the vendor's callbacks do so."""
    provider, settings, reference = claim.route.provider, services.settings, claim.order.reference
    if not services.providers.calls_back(provider):
        return None
    url, secret = settings.public_url, settings.secret_key.get_secret_value()
    has_door = Door.SEEDS not in settings.doors_off
    if reference is not None and has_door and services.providers.calls_back_by_node(provider):
        return node_callback_url(url, secret, provider, claim.id, kind=claim.order.kind, reference=reference)
    return callback_url(url, secret, provider=provider, generation_id=claim.id)
