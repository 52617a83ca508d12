"""`/v1/me`: who an API key belongs to."""

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
    """Answers with the customer that the API key belongs to, their credits, and the key's first characters."""
    with services.database.transaction() as session:
        balance = ledger.balance(session, customer.id)
    return CustomerResource(
        id=customer.id,
        name=customer.name,
        key_prefix=customers.prefix(key),
        credits=CreditsResource(available=balance.available, held=balance.held),
    )
