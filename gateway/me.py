"""`/v1/me`: the customer of an API key."""

from gateway.authentication import TheCaller, customers_router
from gateway.dependencies import ServicesOf
from gateway.keys import key_resource
from gateway.openapi import problems
from gateway.resources import credits_resource
from schemas.errors import Unauthenticated
from schemas.identity_api import MeResource
from schemas.tables import ApiKey
from storage import ledger

router = customers_router("/v1/me", "credits")


@router.get("", summary="See whose key this is", responses=problems(Unauthenticated))
def get_me(services: ServicesOf, caller: TheCaller) -> MeResource:
    """Returns the customer for whom the request acts, the customer's credits, and the key of the request."""
    customer = caller.customer
    with services.database.transaction() as session:
        return MeResource(
            id=customer.id,
            name=customer.name,
            key_prefix=caller.key.prefix,
            key=key_resource(session, session.get_one(ApiKey, caller.key.id)),
            credits=credits_resource(ledger.balance(session, customer.id)),
        )
