"""`/v1/me`: the customer of an API key."""

from gateway.authentication import TheCaller, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from schemas.api import CreditsResource, CustomerResource
from schemas.errors import Unauthenticated
from storage import customers, ledger

router = customers_router("/v1/me", "credits")


@router.get("", summary="See whose key this is", responses=problems(Unauthenticated))
def get_me(services: ServicesOf, caller: TheCaller) -> CustomerResource:
    """Returns the customer of the API key, the customer's credits, and the first characters of the key."""
    customer = caller.customer
    with services.database.transaction() as session:
        balance = ledger.balance(session, customer.id)
    return CustomerResource(
        id=customer.id,
        name=customer.name,
        key_prefix=customers.prefix(caller.key),
        credits=CreditsResource(available=balance.available, held=balance.held),
    )
