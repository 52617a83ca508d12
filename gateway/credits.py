"""`/v1/credits`: a customer's credits."""

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from notify.resources import credits_resource
from schemas.api import CreditsResource
from schemas.errors import Unauthenticated
from storage import ledger

router = customers_router("/v1/credits", "credits")


@router.get("", summary="See your credits", responses=problems(Unauthenticated))
def get_credits(services: ServicesOf, customer: TheCustomer) -> CreditsResource:
    """Returns the available credits and the credits that unfinished generations hold."""
    with services.database.transaction() as session:
        return credits_resource(ledger.balance(session, customer.id))
