"""`generation.poll`: read the state at the provider, because it is due or because a callback came."""

import structlog
from celery import shared_task

from providers.base import Cancellation, Provider, RemoteState, RemoteStatus
from schemas.enums import ErrorCode, EventName, Stage, TaskName
from schemas.errors import ProviderError
from schemas.stages import WORK
from storage import claims, timeline
from storage.claims import Claim
from storage.leases import Lease
from storage.statements import Executor
from tasks import stage
from tasks.download import download
from tasks.polling import next_poll
from tasks.services import Services, current_services
from tasks.stage import Onward

log = structlog.get_logger()

# Where a vendor gives no number, progress approaches but never reaches the end of the stage; half of it after this.
_HALF_WAY_SECONDS = {"image": 8.0, "video": 45.0}


@shared_task(name=TaskName.POLL)
def poll_task(generation_id: str, attempt: int) -> None:
    """Celery's side of `poll`."""
    stage.run(current_services(), generation_id, attempt, {Stage.GENERATING}, poll)


def poll(services: Services, claim: Claim, _lease: Lease) -> Onward | None:
    """Ask the provider once and act on what it says; before that, pass on what the customer wants."""
    provider = services.providers.get(claim.generation.provider)
    remote = stage.remote_ref(claim)
    if _is_to_be_cancelled(claim) and _stopped(services, claim, provider):
        return None
    try:
        state = provider.poll(remote)
    except ProviderError as error:
        stage.after_failed_read(services, claim, error)
        return None
    return _act_on(services, claim, state)


def _act_on(services: Services, claim: Claim, state: RemoteState) -> Onward | None:
    match state.status:
        case RemoteStatus.QUEUED | RemoteStatus.RUNNING:
            _wait(services, claim, state)
        case RemoteStatus.SUCCEEDED:
            return _deliver(services, claim, state)
        case RemoteStatus.FAILED | RemoteStatus.CANCELLED:
            _end(services, claim, state)
    return None


def _deliver(services: Services, claim: Claim, state: RemoteState) -> Onward | None:
    values: dict[str, object] = {"result_urls": state.result_urls}
    if state.provider_credits is not None:
        values["provider_credits"] = state.provider_credits

    def note_unheeded_wish(statements: Executor) -> None:
        timeline.note(statements, claim.id, EventName.CANCEL_TOO_LATE)

    was_unwanted = claim.generation.cancel_requested_at is not None
    within = note_unheeded_wish if was_unwanted else None
    # A process that serves no downloads hands it over: they take as long as they are large.
    then = download if WORK[Stage.DOWNLOADING].queue in services.queues else None
    return stage.advance(services, claim, Stage.DOWNLOADING, values=values, within=within, then=then)


def _is_to_be_cancelled(claim: Claim) -> bool:
    return claim.generation.cancel_requested_at is not None and claim.generation.cancel_sent_at is None


def _stopped(services: Services, claim: Claim, provider: Provider) -> bool:
    """Ask the provider to stop; whether that ended the generation."""
    try:
        answer = provider.cancel(stage.remote_ref(claim))
    except ProviderError as error:
        # The next poll asks again; until then, the state may tell more.
        log.warning("cancel_failed", code=error.code, reason=stage.loggable(error))
        return False
    if answer is Cancellation.STOPPED:
        stage.cancel(services, claim, reason="the provider stopped it")
        return True
    data = {"provider": claim.generation.provider, "answer": answer}
    with services.database.statements() as statements:
        claims.record_cancel_sent(statements, claim)
        timeline.note(statements, claim.id, EventName.CANCEL_SENT, data)
    return False


def _end(services: Services, claim: Claim, state: RemoteState) -> None:
    """The provider will not deliver: as the customer wished, or as a failure."""
    if claim.generation.cancel_requested_at is None:
        code = state.error_code or ErrorCode.PROVIDER_FAILED
        stage.fail(services, claim, code, state.error_message or "the provider did not finish it")
    elif state.status is RemoteStatus.CANCELLED:
        stage.cancel(services, claim, reason="the provider stopped it")
    else:
        stage.cancel(services, claim, reason="the provider failed before it stopped", is_free=True)


def _wait(services: Services, claim: Claim, state: RemoteState) -> None:
    waited = stage.seconds_in_stage(claim)
    is_stopping = claim.generation.cancel_requested_at is not None
    providers, provider = services.providers, claim.generation.provider
    half_way = _HALF_WAY_SECONDS[claim.generation.kind]
    estimate = waited / (waited + half_way)
    wake_in = next_poll(
        services.settings.pipeline,
        waited_seconds=waited,
        has_callback=providers.calls_back(provider) and not is_stopping,
        least_seconds=providers.poll_seconds(provider),
    )
    with services.database.statement() as statement:
        claims.put_back(
            statement, claim, wake_in=wake_in, progress=estimate if state.progress is None else state.progress
        )
