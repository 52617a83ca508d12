"""`/v1/webhooks/endpoints`: the URLs that hear a customer's events."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gateway.authentication import TheCustomer, customers_router, needs
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from gateway.problems import TooManyEndpoints
from providers.http.endpoint_urls import refusal_of
from schemas.enums import Scope
from schemas.errors import InvalidRequest, NotFound, Unauthenticated
from schemas.webhook_api import (
    EndpointChange,
    EndpointList,
    EndpointRequest,
    EndpointResource,
    EndpointsQuery,
    NewEndpointResource,
    SecretResource,
    SecretRotation,
)
from schemas.webhooks import PauseReason
from storage.generations import database_now
from storage.webhooks import endpoints
from storage.webhooks.endpoints import Changes, Filter

PATH = "/v1/webhooks/endpoints"

router = customers_router(PATH, "webhooks")

_FOUND = problems(Unauthenticated, NotFound)


@router.post(
    "",
    status_code=201,
    summary="Make a webhook endpoint",
    dependencies=[RequireJson],
    responses=BODY_PROBLEMS | problems(Unauthenticated, TooManyEndpoints),
)
def create_endpoint(
    wanted: EndpointRequest, response: Response, services: ServicesOf, customer: TheCustomer
) -> NewEndpointResource:
    """Makes an endpoint: a message goes to its URL for each event of a type that it hears.

    The answer shows the secret that signs the messages. Without `types`, the endpoint hears the ends of generations.
    """
    _require_allowed(services, wanted.url)
    with services.database.transaction() as session:
        row = endpoints.create(session, customer.id, wanted.url, types=wanted.types, description=wanted.description)
        if row is None:
            raise TooManyEndpoints(f"you have {endpoints.MOST} endpoints: delete one, or change one")
    response.headers["Location"] = f"{PATH}/{row.id}"
    return NewEndpointResource.model_validate(row)


@router.get("", summary="List your webhook endpoints", responses=problems(Unauthenticated, InvalidRequest))
def list_endpoints(
    query: Annotated[EndpointsQuery, Query()], services: ServicesOf, customer: TheCustomer
) -> EndpointList:
    """Returns the endpoints, the newest first. Those that a `callback_url` made are among them."""
    wanted = Filter(query.is_implicit, query.url, query.is_paused)
    with services.database.transaction() as session:
        page = endpoints.listed(session, customer.id, wanted, query.after, limit=query.limit)
        return EndpointList.page([EndpointResource.model_validate(row) for row in page.rows], page.next)


@router.get("/{endpoint_id}", summary="See a webhook endpoint", responses=_FOUND)
def get_endpoint(endpoint_id: UUID, services: ServicesOf, customer: TheCustomer) -> EndpointResource:
    """Returns one endpoint, without its secret."""
    with services.database.transaction() as session:
        return EndpointResource.model_validate(endpoints.require(session, endpoint_id, customer_id=customer.id))


@router.patch(
    "/{endpoint_id}",
    summary="Change a webhook endpoint",
    dependencies=[RequireJson],
    responses=BODY_PROBLEMS | _FOUND,
)
def change_endpoint(
    endpoint_id: UUID, wanted: EndpointChange, services: ServicesOf, customer: TheCustomer
) -> EndpointResource:
    """Changes the URL, the types or the description. Omitted fields stay as they are.

    Messages that wait go to the new URL. The URL of an endpoint that a `callback_url` made stays as it is.
    """
    changes = _changes(wanted)
    if "url" in changes:
        _require_allowed(services, changes["url"])
    with services.database.transaction() as session:
        row = endpoints.require(session, endpoint_id, customer_id=customer.id, locks=True)
        if row.is_implicit and changes.get("url", row.url) != row.url:
            text = "belongs to the orders with this `callback_url`: name another one in the next order"
            raise InvalidRequest.of_fields([("url", text)])
        endpoints.change(session, row, changes)
        return EndpointResource.model_validate(row)


@router.delete("/{endpoint_id}", status_code=204, summary="Delete a webhook endpoint", responses=_FOUND)
def delete_endpoint(endpoint_id: UUID, services: ServicesOf, customer: TheCustomer) -> None:
    """Ends an endpoint at once. Messages that wait are not sent, and its deliveries are no longer shown."""
    with services.database.transaction() as session:
        row = endpoints.require(session, endpoint_id, customer_id=customer.id, locks=True)
        endpoints.delete(session, row)


@router.get(
    "/{endpoint_id}/secret",
    summary="See the secret of a webhook endpoint",
    openapi_extra=needs(Scope.GENERATE),
    responses=_FOUND,
)
def get_secret(endpoint_id: UUID, services: ServicesOf, customer: TheCustomer) -> SecretResource:
    """Returns the secret that signs the messages. The key needs the scope `generate`, as for making an endpoint."""
    with services.database.transaction() as session:
        row = endpoints.require(session, endpoint_id, customer_id=customer.id)
        if row.earlier_secret_until is None or row.earlier_secret_until <= database_now(session):
            return SecretResource(secret=row.secret, earlier_secret=None, earlier_secret_until=None)
        return SecretResource.model_validate(row)


@router.post(
    "/{endpoint_id}/rotate-secret",
    summary="Rotate the secret of a webhook endpoint",
    dependencies=[RequireJson],
    responses=BODY_PROBLEMS | _FOUND,
)
def rotate_secret(
    endpoint_id: UUID, services: ServicesOf, customer: TheCustomer, times: SecretRotation | None = None
) -> SecretResource:
    """Makes another secret. For `ends_in` seconds, a day by default, each message has a signature by both secrets.

    A rotation within that time is refused, because it would end a secret that receivers use. With `ends_in: 0` all
    earlier secrets end at once.
    """
    ends_in = timedelta(seconds=(times or SecretRotation()).ends_in)
    with services.database.transaction() as session:
        row = endpoints.require(session, endpoint_id, customer_id=customer.id, locks=True)
        endpoints.rotate(session, row, ends_in=ends_in)
        return SecretResource.model_validate(row)


@router.post("/{endpoint_id}/pause", summary="Pause a webhook endpoint", responses=_FOUND)
def pause_endpoint(endpoint_id: UUID, services: ServicesOf, customer: TheCustomer) -> EndpointResource:
    """Sends nothing until you resume the endpoint. Messages of new events wait. Safe to repeat."""
    with services.database.transaction() as session:
        row = endpoints.require(session, endpoint_id, customer_id=customer.id, locks=True)
        endpoints.pause(session, row, PauseReason.REQUESTED)
        return EndpointResource.model_validate(row)


@router.post("/{endpoint_id}/resume", summary="Resume a webhook endpoint", responses=_FOUND)
def resume_endpoint(endpoint_id: UUID, services: ServicesOf, customer: TheCustomer) -> EndpointResource:
    """Sends again, whoever paused the endpoint. Messages that have waited are sent first. Safe to repeat."""
    with services.database.transaction() as session:
        row = endpoints.require(session, endpoint_id, customer_id=customer.id, locks=True)
        endpoints.resume(row)
        return EndpointResource.model_validate(row)


def _require_allowed(services: GatewayServices, url: str) -> None:
    """Refuse a URL that the operator's settings exclude."""
    if refusal := refusal_of(url, services.settings.webhooks):
        raise InvalidRequest.of_fields([("url", refusal)])


def _changes(wanted: EndpointChange) -> Changes:
    changes = Changes()
    if wanted.url is not None:
        changes["url"] = wanted.url
    if wanted.types is not None:
        changes["types"] = wanted.types
    if "description" in wanted.model_fields_set:
        changes["description"] = wanted.description
    return changes
