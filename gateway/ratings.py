"""`/v1/generations/{id}/rating`: a customer rates a result."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.authentication import TheCustomer, customers_router
from gateway.content import require_completed
from gateway.dependencies import ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from gateway.problems import NoResult
from notify.resources import generation_resource
from schemas.api import GenerationResource
from schemas.errors import NotFound, NotReady, Unauthenticated
from schemas.orders import WholeNumber
from storage import details, generations, ratings

router = customers_router("/v1/generations/{generation_id}", "generations")


class RatingRequest(BaseModel):
    """A rating."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"rating": 4}]}
    )

    rating: WholeNumber = Field(description="1 poor to 5 excellent", ge=1, le=5)


@router.post(
    "/rating",
    summary="Rate a result",
    dependencies=[RequireJson],
    responses=BODY_PROBLEMS | problems(Unauthenticated, NotFound, NotReady, NoResult),
)
def rate_generation(
    generation_id: UUID, request: RatingRequest, services: ServicesOf, customer: TheCustomer
) -> GenerationResource:
    """Stores your rating of a completed generation, and returns the generation. A later rating replaces this one."""
    with services.database.transaction() as session:
        row = generations.require(session, generation_id, customer_id=customer.id, locks=True)
        require_completed(row)
        ratings.rate(session, generation_id, request.rating)
        session.refresh(row)
        return generation_resource(details.of(session, row), services.settings.retention)
