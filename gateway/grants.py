"""`/v1/credits/grants`: credits that a service or the operator grants to a customer."""

from fastapi import Request
from sqlmodel import Session

from gateway.authentication import caller_for, customers_router, needs
from gateway.dependencies import ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from notify.resources import credits_resource
from schemas.enums import Scope
from schemas.errors import NotFound, Unauthenticated
from schemas.identity_api import GrantRequest, GrantResource
from storage import ledger

router = customers_router("/v1/credits/grants", "credits")


@router.post(
    "",
    status_code=201,
    summary="Grant credits to a customer",
    dependencies=[RequireJson],
    openapi_extra=needs(Scope.GRANT),
    responses=BODY_PROBLEMS | problems(Unauthenticated, NotFound),
)
async def grant_credits(grant: GrantRequest, request: Request, services: ServicesOf) -> GrantResource:
    """Adds credits once for each `reference`. The same reference again adds nothing, and another amount is refused.

    A test key grants test credits.
    """
    customer = (await caller_for(request, grant.customer_id)).customer

    def act(session: Session) -> GrantResource:
        ledger.grant(session, customer.id, grant.amount, reference=grant.reference, reason=grant.reason)
        balance = ledger.balance(session, customer.id)
        return GrantResource(amount=grant.amount, reference=grant.reference, credits=credits_resource(balance))

    return await services.loop_database.transaction(act)
