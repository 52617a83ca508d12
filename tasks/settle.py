"""`generation.settle`: the result is stored, so the customer pays."""

from celery import shared_task

from schemas.enums import Stage, TaskName
from storage import ledger
from storage.claims import Claim
from storage.leases import Lease
from tasks import stage
from tasks.services import Services, current_services
from tasks.stage import Onward


@shared_task(name=TaskName.SETTLE)
def settle_task(generation_id: str, attempt: int) -> None:
    """Celery's side of `settle`."""
    stage.run(current_services(), generation_id, attempt, {Stage.SETTLING}, settle)


def settle(services: Services, claim: Claim, _lease: Lease) -> Onward | None:
    """Complete the generation and capture its credits in one transaction."""
    generation = claim.generation
    return stage.advance(
        services,
        claim,
        Stage.COMPLETED,
        event={"credits": generation.credits},
        within=lambda statements: ledger.capture(statements, generation.customer_id, claim.id),
    )
