"""`/v1/me`: the customer of an API key."""

from fastapi import APIRouter

from gateway.authentication import TheCustomer, TheKey
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from schemas.api import CreditsResource, CustomerResource
from schemas.errors import Unauthenticated
from storage import customers, ledger

router = APIRouter(prefix="/v1/me", tags=["credits"])


@router.get("", summary="See whose key this is", responses=problems(Unauthenticated))
def get_me(services: ServicesOf, customer: TheCustomer, key: TheKey) -> CustomerResource:
    """Returns the customer of the API key, the customer's credits, and the first characters of the key."""
    with services.database.transaction() as session:
        balance = ledger.balance(session, customer.id)
    return CustomerResource(
        id=customer.id,
        name=customer.name,
        key_prefix=customers.prefix(key),
        credits=CreditsResource(available=balance.available, held=balance.held),
    )
