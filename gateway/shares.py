"""`/v1/generations/{id}/shares`: links by which everybody may see a result."""

from datetime import timedelta
from uuid import UUID

from fastapi import Response

from gateway.authentication import TheCustomer, customers_router
from gateway.content import require_completed
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from gateway.problems import NoResult, TooManyShares
from notify.resources import path_of
from schemas.errors import NotFound, NotReady, Unauthenticated
from schemas.share_api import ShareList, ShareRequest, ShareResource
from schemas.share_link import share_link
from schemas.share_tables import Share
from storage import generations, shares

router = customers_router("/v1/generations/{generation_id}/shares", "shares")


@router.post(
    "",
    status_code=201,
    summary="Share a result",
    dependencies=[RequireJson],
    responses=BODY_PROBLEMS | problems(Unauthenticated, NotFound, NotReady, NoResult, TooManyShares),
)
def create_share(
    generation_id: UUID,
    response: Response,
    services: ServicesOf,
    customer: TheCustomer,
    wanted: ShareRequest | None = None,
) -> ShareResource:
    """Makes a link to a page with the result. Everybody with the link may see the page until the link ends.

    Without a body the link works for 7 days. The page shows neither the prompt nor your name.
    """
    expires_in = timedelta(seconds=(wanted or ShareRequest()).expires_in)
    with services.database.transaction() as session:
        generation = generations.require(session, generation_id, customer_id=customer.id, locks=True)
        require_completed(generation)
        share = shares.create(session, generation, expires_in=expires_in)
        if share is None:
            raise TooManyShares(f"the generation has {shares.MOST} working shares: revoke one, or use one of them")
        resource = _resource(services, share)
    response.headers["Location"] = f"{path_of(generation_id)}/shares"
    return resource


@router.get("", summary="List the shares of a result", responses=problems(Unauthenticated, NotFound))
def list_shares(generation_id: UUID, services: ServicesOf, customer: TheCustomer) -> ShareList:
    """Returns the shares with their views, the newest first. Those that have ended or were revoked are among them."""
    with services.database.transaction() as session:
        generations.require(session, generation_id, customer_id=customer.id)
        found = shares.listed(session, generation_id, customer_id=customer.id)
        return ShareList(data=[_resource(services, share) for share in found])


@router.delete("/{share_id}", status_code=204, summary="Revoke a share", responses=problems(Unauthenticated, NotFound))
def revoke_share(generation_id: UUID, share_id: UUID, services: ServicesOf, customer: TheCustomer) -> None:
    """Ends the link at once. The page then answers 410. Safe to repeat."""
    with services.database.transaction() as session:
        if not shares.revoke(session, share_id, generation_id=generation_id, customer_id=customer.id):
            raise NotFound(f"you have no share {share_id} of generation {generation_id}")


def _resource(services: GatewayServices, share: Share) -> ShareResource:
    url = share_link(services.settings.public_url, services.settings.secret_key.get_secret_value(), share.id)
    return ShareResource.model_validate({**share.model_dump(), "url": url})
