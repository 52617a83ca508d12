"""`generation.poll`: read the state at the provider, because it is due or because a callback came."""

import structlog
from celery import shared_task

from providers.base import RemoteState, RemoteStatus
from schemas.enums import ErrorCode, Stage, TaskName
from schemas.errors import ProviderError
from storage import generations
from storage.generations import Claim
from storage.leases import Lease
from tasks import stage
from tasks.polling import next_poll
from tasks.services import Services, current_services

log = structlog.get_logger()

# Where a vendor gives no number, progress approaches but never reaches the end of the stage; half of it after this.
_HALF_WAY_SECONDS = {"image": 8.0, "video": 45.0}


@shared_task(name=TaskName.POLL)
def poll_task(generation_id: str, attempt: int) -> None:
    """Celery's side of `poll`."""
    stage.run(current_services(), generation_id, attempt, {Stage.GENERATING}, poll)


def poll(services: Services, claim: Claim, _lease: Lease) -> None:
    """Ask the provider once and act on what it says."""
    try:
        state = services.providers.get(claim.generation.provider).poll(stage.remote_ref(claim))
    except ProviderError as error:
        stage.after_failed_read(services, claim, error)
        return
    match state.status:
        case RemoteStatus.QUEUED | RemoteStatus.RUNNING:
            _wait(services, claim, state)
        case RemoteStatus.SUCCEEDED:
            stage.advance(services, claim, Stage.DOWNLOADING, values=_delivered(state))
        case RemoteStatus.FAILED | RemoteStatus.CANCELLED:
            code = state.error_code or ErrorCode.PROVIDER_FAILED
            stage.fail(services, claim, code, state.error_message or "the provider did not finish it")


def _wait(services: Services, claim: Claim, state: RemoteState) -> None:
    waited = _waited_seconds(claim)
    has_callback = services.settings.providers.named(claim.generation.provider).callbacks
    half_way = _HALF_WAY_SECONDS[claim.generation.kind]
    estimate = waited / (waited + half_way)
    wake_in = next_poll(services.settings.pipeline, waited_seconds=waited, has_callback=has_callback)
    with services.database.transaction() as session:
        generations.put_back(
            session, claim, wake_in=wake_in, progress=estimate if state.progress is None else state.progress
        )


def _waited_seconds(claim: Claim) -> float:
    generation = claim.generation
    if generation.claimed_at is None or generation.stage_at is None:
        raise ValueError("a claimed generation has both times")
    return (generation.claimed_at - generation.stage_at).total_seconds()


def _delivered(state: RemoteState) -> dict[str, object]:
    values: dict[str, object] = {"result_urls": state.result_urls}
    if state.provider_credits is not None:
        values["provider_credits"] = state.provider_credits
    return values
