"""`/v1/generations/{id}/timeline` for customers, `/v1/admin/generations/{id}/timeline` for the operator."""

from uuid import UUID

from fastapi import Request

from gateway.admin import require_operator
from gateway.authentication import TheCaller, TheCustomer, customers_router, needs
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from gateway.views import require_viewed
from schemas.enums import Scope
from schemas.errors import NotForThisKey, NotFound, Unauthenticated
from schemas.timeline_api import OperatorsTimeline, Timeline, TimelineEntry
from storage import details, generations, timeline, timeline_document

router = customers_router("/v1/generations", "generations")
for_operators = customers_router("/v1/admin/generations", "admin")


@router.get(
    "/{generation_id}/timeline",
    summary="See what happened to a generation",
    responses=problems(Unauthenticated, NotFound),
)
def get_timeline(generation_id: UUID, services: ServicesOf, customer: TheCustomer) -> Timeline[TimelineEntry]:
    """Returns every change of the stage, movement of credits, stored file and variant, with times and gaps."""
    with services.database.transaction() as session:
        details.in_one_snapshot(session)
        row = generations.require(session, generation_id, customer_id=customer.id)
        return timeline_document.for_customers(timeline.records(session, row))


@for_operators.get(
    "/{generation_id}/timeline",
    summary="See what happened to any generation",
    openapi_extra=needs(Scope.ADMIN),
    responses=problems(Unauthenticated, NotForThisKey, NotFound),
)
def get_operators_timeline(
    generation_id: UUID, request: Request, services: ServicesOf, caller: TheCaller
) -> OperatorsTimeline:
    """Returns the timeline with workers, calls to providers and callbacks, also after the customer's deletion.

    The session of a page sees the timelines of the customer whom it views.
    """
    require_operator(caller)
    viewed = require_viewed(request, caller)
    with services.database.transaction() as session:
        details.in_one_snapshot(session)
        row = generations.find(session, generation_id)
        if row is None or viewed not in {None, row.customer_id}:
            raise NotFound(f"there is no generation {generation_id}")
        return timeline_document.for_operators(timeline.records(session, row))
