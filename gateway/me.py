"""`/v1/me`: the customer of an API key."""

from dataclasses import asdict

from gateway.authentication import TheCaller, customers_router
from gateway.dependencies import ServicesOf
from gateway.keys import key_resource
from gateway.openapi import problems
from notify.resources import credits_resource
from schemas.api import StoredUploadsResource
from schemas.customer_tables import ApiKey
from schemas.errors import Unauthenticated
from schemas.identity_api import MeResource
from schemas.quota_api import LimitsResource
from storage import ledger, quota_settings, upload_quota
from storage.generations import database_now
from storage.sql import of

router = customers_router("/v1/me", "credits")


@router.get("", summary="See whose key this is", responses=problems(Unauthenticated))
def get_me(services: ServicesOf, caller: TheCaller) -> MeResource:
    """Returns the customer for whom the request acts, with credits, stored uploads and quota, and the request's key."""
    customer = caller.customer
    limits = services.settings.inputs
    with services.database.transaction() as session:
        quota = quota_settings.of_customers(of(session), [customer.id]).get(customer.id)
        stored = upload_quota.stored(of(session), customer.id)
        return MeResource(
            id=customer.id,
            name=customer.name,
            key_prefix=caller.key.prefix,
            key=key_resource(session, session.get_one(ApiKey, caller.key.id)),
            limits=None if quota is None else LimitsResource.of(quota.quota, quota.used, database_now(session)),
            credits=credits_resource(ledger.balance(session, customer.id)),
            uploads=StoredUploadsResource(
                **asdict(stored), max_count=limits.max_stored_uploads, max_size_bytes=limits.max_stored_bytes
            ),
        )
