"""The work at the provider: the vendor's reference, and the charge for a cancellation."""

from providers.base import RemoteRef
from schemas.enums import CancelRule, Stage
from storage.claims import Claim
from tasks.outcomes import Cancel
from tasks.services import WorkerServices


def remote_ref(claim: Claim) -> RemoteRef:
    """The vendor's reference to an accepted create."""
    generation = claim.generation
    if generation.remote_id is None:
        raise ValueError(f"generation {claim.id} in {generation.stage} has no remote id")
    return RemoteRef(
        remote_id=generation.remote_id,
        model=claim.route.model,
        links=generation.remote_links,
        prompt=claim.order.inputs.prompt,
        texts=claim.order.inputs.texts(),
    )


def cancelled(services: WorkerServices, claim: Claim, reason: str) -> Cancel:
    """The outcome of a cancellation: charged if the provider bills stopped work and has begun the work."""
    rule = services.catalogue.cancel_rule(claim.order.model, claim.route)
    return Cancel(reason, is_charged=rule is CancelRule.CHARGED and claim.generation.stage is Stage.GENERATING)
