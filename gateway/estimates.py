"""`POST /v1/estimate`: the price of an order, the models that could do it, and their usual times."""

from fastapi import Request

from gateway.authentication import caller_for, customers_router, needs
from gateway.dependencies import ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from intake.estimates import estimate_resource
from schemas.enums import Scope
from schemas.errors import CostAbovePrice, ModelPaused, ModelRetired, NoSandbox, NotFound, Unauthenticated
from schemas.estimate_api import EstimateResource
from schemas.identity_api import HttpOrder

router = customers_router("/v1/estimate", "generations")


@router.post(
    "",
    summary="Estimate an order",
    dependencies=[RequireJson],
    openapi_extra=needs(Scope.READ),
    responses=BODY_PROBLEMS | problems(Unauthenticated, NotFound, CostAbovePrice, ModelRetired, ModelPaused, NoSandbox),
)
async def estimate(order: HttpOrder, request: Request, services: ServicesOf) -> EstimateResource:
    """Returns the price that the same body would hold at `POST /v1/generations`, and refuses what that would refuse.

    Files in `data:` URIs are not read. The credits and the cap of the key are not checked.
    """
    caller = await caller_for(request, order.customer_id)
    found = await services.intake.estimate(order.without_customer(), caller.payer)
    return estimate_resource(found, order.number_of_outputs)
