"""`/v1/queue`: a customer's generations before the providers."""

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from schemas.errors import Unauthenticated
from schemas.queue_api import QueueResource

router = customers_router("/v1/queue", "generations")


@router.get("", summary="See your queue", responses=problems(Unauthenticated))
async def get_queue(services: ServicesOf, customer: TheCustomer) -> QueueResource:
    """Returns your unfinished generations by model: how many wait, how many a provider has, and what comes next.

    `next` is the first of those that wait: how many of all customers go before it, and its expected start.
    """
    queues = services.intake.steps.queues
    return await services.loop_database.statement(lambda sql: queues.of_customer(sql, customer.id))
