"""The work at the provider: the vendor's reference, the request to stop, and the charge for a cancellation."""

from collections.abc import Mapping

import structlog

from providers.base import RemoteRef
from schemas.enums import CancelRule, EventName, Stage
from schemas.provider_errors import ProviderError
from storage import runs_to_stop, transitions
from storage.claims import Claim
from tasks.outcomes import Cancel
from tasks.services import WorkerServices
from tasks.troubles import loggable

log = structlog.get_logger()


def remote_ref(claim: Claim) -> RemoteRef:
    """The vendor's reference to an accepted create."""
    generation = claim.generation
    if generation.remote_id is None:
        raise ValueError(f"generation {claim.id} in {generation.stage} has no remote id")
    return _ref(claim, generation.remote_id, generation.remote_links)


def stop(services: WorkerServices, claim: Claim, remote_id: str, links: Mapping[str, str]) -> None:
    """Ask the provider once to stop work that no generation waits for. The timeline has the answer.

    A request that fails is logged, and not sent again: the work may then be finished at our cost. A server of our own
    that is silent is asked until it answers (`tasks.stop_runs`).
    """
    provider = claim.route.provider
    try:
        answer = services.providers.get(provider).cancel(_ref(claim, remote_id, links))
    except ProviderError as error:
        log.warning("cancel_failed", remote_id=remote_id, reason=loggable(error))
        if error.is_silence and services.providers.stops_own_work(provider):
            with services.database.statement() as sql:
                runs_to_stop.add(sql, claim, remote_id)
        return
    with services.database.statement() as sql:
        transitions.note(sql, claim.id, EventName.CANCEL_SENT, {"provider": provider, "answer": answer})


def _ref(claim: Claim, remote_id: str, links: Mapping[str, str]) -> RemoteRef:
    return RemoteRef(
        remote_id=remote_id,
        model=claim.route.model,
        links=links,
        prompt=claim.order.inputs.prompt,
        texts=claim.order.inputs.texts(),
    )


def cancelled(services: WorkerServices, claim: Claim, reason: str) -> Cancel:
    """The outcome of a cancellation: charged if the provider bills stopped work and has begun the work."""
    rule = services.catalogue.cancel_rule(claim.order.model, claim.route)
    return Cancel(reason, is_charged=rule is CancelRule.CHARGED and claim.generation.stage is Stage.GENERATING)
