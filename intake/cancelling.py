"""Cancels a generation for every door, and tells the workers and the streams."""

from uuid import UUID

from intake.orders import Intake
from schemas.stages import TERMINAL
from storage import cancellation, details
from storage.details import Details
from storage.generations import Wake


def cancel(intake: Intake, generation_id: UUID, *, customer_id: UUID) -> Details:
    """Cancel a customer's generation, or ask its provider to stop. Blocks meanwhile.

    Raises:
        NotFound: the customer has no such generation.
        NotCancellable: the generation has ended or has its result, or its provider cannot stop the work.
    """
    with intake.database.transaction() as session:
        generation = cancellation.request(
            session,
            generation_id,
            customer_id=customer_id,
            rule_of=intake.cancel_rule,
        )
        found = details.of(session, generation)
    intake.announce(generation.id, generation.customer_id)
    if generation.stage not in TERMINAL and generation.lease_token is None:
        intake.wake(Wake(generation.id, generation.stage, generation.attempt))
    return found
