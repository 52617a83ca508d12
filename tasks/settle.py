"""The step of `settling`: the result is stored, so the customer pays."""

from schemas.enums import Stage
from storage.claims import Claim
from storage.leases import Lease
from tasks.outcomes import Advance
from tasks.services import WorkerServices


def settle(_services: WorkerServices, claim: Claim, _lease: Lease) -> Advance:
    """Complete the generation. The move to `completed` captures the hold."""
    return Advance(Stage.COMPLETED, event={"credits": claim.generation.credits})
