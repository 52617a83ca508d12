"""`/v1/me`: the customer of an API key."""

from dataclasses import asdict

from gateway.authentication import TheCaller, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from schemas.api import CreditsResource, CustomerResource, StoredUploadsResource
from schemas.errors import Unauthenticated
from storage import customers, ledger, upload_quota
from storage.sql import of

router = customers_router("/v1/me", "credits")


@router.get("", summary="See whose key this is", responses=problems(Unauthenticated))
def get_me(services: ServicesOf, caller: TheCaller) -> CustomerResource:
    """Returns the customer of the API key, with the credits, the stored uploads and their quota.

    `key_prefix` is the first characters of the key.
    """
    customer = caller.customer
    with services.database.transaction() as session:
        balance = ledger.balance(session, customer.id)
        stored = upload_quota.stored(of(session), customer.id)
    limits = services.settings.inputs
    return CustomerResource(
        id=customer.id,
        name=customer.name,
        key_prefix=customers.prefix(caller.key),
        credits=CreditsResource(available=balance.available, held=balance.held),
        uploads=StoredUploadsResource(
            **asdict(stored), max_count=limits.max_stored_uploads, max_size_bytes=limits.max_stored_bytes
        ),
    )
