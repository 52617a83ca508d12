"""What became of a create, written down by the only worker that knows it.

Forgotten, it is work that was paid for and that nobody fetches, or a generation that waits for an answer which cannot
come. So every conclusion outlasts an outage of the database, and reaches the row even if the lease was lost meanwhile.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog
import tenacity

from providers.base import STORED_FILE, Submission
from schemas.enums import EventName, Stage
from schemas.errors import LeaseLost, ProviderError, ProviderRateLimited, ProviderRejected, ProviderUnavailable
from storage import claims, submissions, timeline
from storage.claims import Claim
from tasks import files, stage
from tasks.polling import next_poll
from tasks.services import Services

log = structlog.get_logger()

FIRST_LOOK_UP_SECONDS = 2.0

_OUTLAST_SECONDS = 300.0

_outlasting_outages = tenacity.retry(
    retry=tenacity.retry_if_exception_type(stage.OUTAGES),
    wait=tenacity.wait_exponential(multiplier=0.1, max=2),
    stop=tenacity.stop_after_delay(_OUTLAST_SECONDS),
    reraise=True,
)


@_outlasting_outages
def accepted(services: Services, claim: Claim, submission: Submission, *, is_found: bool = False) -> None:
    """The vendor took it: wait for its callback, or poll.

    Args:
        is_found: it was told by a callback or a look-up, so that it may be finished by now.
    """
    submission, object_key = _with_stored_file(services, claim, submission)
    stored = {} if object_key is None else {"object_key": object_key}
    remote_id = submission.remote_id
    has_callback = services.providers.calls_back(claim.route.provider)
    is_urgent = is_found or submission.is_finished or claim.generation.cancel_requested_at is not None
    first_poll = next_poll(
        services.settings.pipeline,
        waited_seconds=0.0,
        has_callback=has_callback,
        least_seconds=services.providers.poll_seconds(claim.route.provider),
    )
    try:
        stage.advance(
            services,
            claim,
            Stage.GENERATING,
            wake_in=0.0 if is_urgent else first_poll,
            event={"provider": claim.route.provider, "route": claim.generation.route_index, "remote_id": remote_id},
            values={"remote_id": remote_id, "remote_links": dict(submission.links), **stored},
        )
    except LeaseLost:
        with services.database.transaction() as session:
            is_kept = submissions.accepted(session, claim, remote_id, submission.links, object_key)
        log.warning("lease_lost_after_create", remote_id=remote_id, is_kept=is_kept)


def _with_stored_file(services: Services, claim: Claim, submission: Submission) -> tuple[Submission, str | None]:
    """Put the file that came with the answer where a download would put it; its key, if there is one."""
    if submission.file is None:
        return submission, None
    key = files.object_key(claim)
    services.objects.put_bytes(key, submission.file, content_type=files.content_type(submission.file))
    return replace(submission, links={**submission.links, STORED_FILE: files.link_to(key)}), key


def refused(services: Services, claim: Claim, error: ProviderError, *, failures: int) -> None:
    """The vendor did not take it, or never got it.

    Args:
        failures: refusals in a row before this one.
    """
    pipeline = services.settings.pipeline
    match error:
        case ProviderRateLimited():
            pause = max(stage.outage_pause(pipeline), error.retry_after or 0.0)
            not_accepted(services, claim, lambda: requeue(services, claim, error.message, pause, failures=failures))
        case ProviderUnavailable() if failures + 1 < pipeline.submit_failures:
            pause = max(stage.backoff(pipeline, failures + 1), error.retry_after or 0.0)
            not_accepted(services, claim, lambda: requeue(services, claim, error.message, pause, failures=failures + 1))
        case ProviderRejected():
            not_accepted(services, claim, lambda: stage.fail(services, claim, error.code, error.message))
        case _:
            reason = stage.loggable(error)
            log.error("provider_trouble", provider=claim.route.provider, code=error.code, reason=reason)
            not_accepted(services, claim, lambda: _next_route(services, claim, error))


@_outlasting_outages
def not_accepted(services: Services, claim: Claim, conclude: Callable[[], None]) -> None:
    """Write down a conclusion that rests on the vendor not having it; without the lease, at least that fact."""
    try:
        conclude()
    except LeaseLost:
        with services.database.transaction() as session:
            is_withdrawn = submissions.withdraw(session, claim)
        log.warning("submit_withdrawn", is_withdrawn=is_withdrawn)


@_outlasting_outages
def withdraw(services: Services, claim: Claim) -> None:
    """It never left."""
    with services.database.transaction() as session:
        is_withdrawn = submissions.withdraw(session, claim)
    log.info("submit_withdrawn", is_withdrawn=is_withdrawn)


@_outlasting_outages
def unknown(services: Services, claim: Claim, *, reason: str) -> None:
    """It left, and nobody knows: leave it to the callback, and to look-ups at the provider."""
    with services.database.statements() as statements:
        # The grace period begins now: the create itself may have taken longer.
        claims.put_back(statements, claim, wake_in=FIRST_LOOK_UP_SECONDS, restarts_stage=True)
        timeline.note(statements, claim.id, EventName.SUBMIT_UNKNOWN, {"reason": reason})


def requeue(
    services: Services,
    claim: Claim,
    reason: str,
    pause: float,
    *,
    failures: int = 0,
    values: Mapping[str, object] | None = None,
) -> None:
    """Back to `queued`, to be sent again `pause` seconds from now."""
    stage.advance(
        services,
        claim,
        Stage.QUEUED,
        wake_in=pause,
        event={"reason": reason},
        values={"failures": failures, **(values or {})},
    )


def _next_route(services: Services, claim: Claim, error: ProviderError) -> None:
    route_index = claim.generation.route_index + 1
    routes = claim.order.routes
    if route_index >= len(routes):
        stage.fail(services, claim, error.code, error.message)
        return
    stage.advance(
        services,
        claim,
        Stage.QUEUED,
        wake_in=0.0,
        event={"reason": error.message, "next_route": route_index},
        values={"failures": 0, "route_index": route_index, "provider": routes[route_index].provider},
    )
