"""`/v1/events/{id}`: one event, in the form in which webhooks and the streams in Redis tell events."""

from typing import Annotated

from fastapi import Path

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from notify import told
from schemas.errors import InvalidRequest, NotFound, Unauthenticated
from schemas.told_api import ToldEvent

router = customers_router("/v1", "events")

_HIGHEST_ID = 2**63 - 1


@router.get(
    "/events/{event_id}",
    summary="See an event",
    responses=problems(Unauthenticated, NotFound, InvalidRequest),
)
async def get_event(
    event_id: Annotated[int, Path(ge=1, le=_HIGHEST_ID, description="the `id` of the event", examples=[4711])],
    services: ServicesOf,
    customer: TheCustomer,
) -> ToldEvent:
    """Returns the document of an event: the body of its webhooks."""
    retention = services.settings.retention
    found = await services.loop_database.statement(lambda sql: told.of_events(sql, [event_id], retention))
    document = found.get(event_id)
    if document is None or document.data.customer_id != customer.id:
        raise NotFound(f"there is no event {event_id}")
    return document
