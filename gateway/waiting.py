"""Keeps a request open until its generation has ended, up to a time limit."""

from uuid import UUID

import structlog
from fastapi import Request, Response

from gateway.dependencies import GatewayServices
from gateway.event_stream import until_end
from schemas.shares import NoPlace, Shares
from schemas.stages import TERMINAL
from storage import details
from storage.customers import ActingCustomer
from storage.details import Details

log = structlog.get_logger()


async def waited(
    generation_id: UUID,
    connection: Request,
    response: Response,
    services: GatewayServices,
    customer: ActingCustomer,
    seconds: int,
    *,
    places: Shares | None = None,
) -> Details:
    """Read a generation, for up to `seconds` until it has ended.

    Without a free place for the wait, the answer comes at once: clients must expect that a preference is not applied.

    Args:
        places: the places for the wait. None: those of the event streams.
    """
    found = await find(generation_id, services, customer)
    if not seconds:
        return found
    try:
        with (places or services.stream_shares).taken_by(customer.id):
            response.headers["Preference-Applied"] = f"wait={seconds}"
            if found.generation.stage not in TERMINAL:
                await until_end(services.hub, services.hub.follow(generation_id, after=0), connection, seconds=seconds)
                found = await find(generation_id, services, customer)
    except NoPlace:
        log.info("wait_not_applied")
    return found


async def find(generation_id: UUID, services: GatewayServices, customer: ActingCustomer) -> Details:
    """A customer's generation.

    Raises:
        NotFound: the customer has no such generation.
    """
    return await services.loop_database.transaction(
        lambda session: details.find(session, generation_id, customer_id=customer.id)
    )
