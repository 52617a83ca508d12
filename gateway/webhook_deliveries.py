"""`/v1/webhooks`: the types of events, the messages to endpoints, and messages that are sent once more."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from sqlmodel import Session

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from notify.webhooks import bodies
from schemas.errors import EndpointPaused, InvalidRequest, NotFound, TooManyDeliveries, Unauthenticated
from schemas.event_types import CATALOGUE_VERSION, ENDS
from schemas.webhook_api import (
    AttemptResource,
    DeliveriesQuery,
    DeliveryDetails,
    DeliveryList,
    DeliveryResource,
    EventCatalogue,
    EventTypeResource,
    RedeliveryRequest,
    RedeliveryResource,
)
from schemas.webhook_tables import WebhookDelivery
from schemas.webhooks import DESCRIPTIONS, DeliveryState
from storage.generations import database_now
from storage.sql import of
from storage.webhooks import deliveries, endpoints
from storage.webhooks.deliveries import Filter, Span

router = customers_router("/v1/webhooks", "webhooks")

_FOUND = problems(Unauthenticated, NotFound)
_SENT = problems(Unauthenticated, NotFound, EndpointPaused)


@router.get("/event-types", summary="List the types of events", responses=problems(Unauthenticated))
def list_event_types() -> EventCatalogue:
    """Returns the types that an endpoint can hear."""
    types = [
        EventTypeResource(type=kind, description=words, is_usual=kind in ENDS) for kind, words in DESCRIPTIONS.items()
    ]
    return EventCatalogue(version=CATALOGUE_VERSION, data=types)


@router.get("/deliveries", summary="List webhook deliveries", responses=problems(Unauthenticated, InvalidRequest))
def list_deliveries(
    query: Annotated[DeliveriesQuery, Query()], services: ServicesOf, customer: TheCustomer
) -> DeliveryList:
    """Returns the messages to your endpoints, the newest first. The operator keeps them for some weeks."""
    wanted = Filter(customer.id, query.endpoint_id, query.generation_id, query.state, query.type)
    with services.database.transaction() as session:
        page = deliveries.listed(session, wanted, query.after, limit=query.limit)
        return DeliveryList.page([_resource(row) for row in page.rows], page.next)


@router.get("/deliveries/{delivery_id}", summary="See a webhook delivery", responses=_FOUND)
def get_delivery(delivery_id: UUID, services: ServicesOf, customer: TheCustomer) -> DeliveryDetails:
    """Returns one message, with the status, the time and the first bytes of the answer of each attempt."""
    with services.database.transaction() as session:
        return _details(session, deliveries.require(session, delivery_id, customer_id=customer.id), services)


@router.post(
    "/deliveries/{delivery_id}/redeliver", status_code=202, summary="Send a webhook message again", responses=_SENT
)
def redeliver(delivery_id: UUID, services: ServicesOf, customer: TheCustomer) -> DeliveryDetails:
    """Sends one message once more, now, with the same id. Its retries begin anew."""
    with services.database.transaction() as session:
        row = deliveries.require(session, delivery_id, customer_id=customer.id, locks=True)
        deliveries.redeliver(session, row)
        return _details(session, row, services)


@router.post(
    "/endpoints/{endpoint_id}/redeliver",
    status_code=202,
    summary="Send the webhook messages of a time again",
    dependencies=[RequireJson],
    responses=BODY_PROBLEMS | _SENT | problems(TooManyDeliveries),
)
def redeliver_span(
    endpoint_id: UUID, wanted: RedeliveryRequest, services: ServicesOf, customer: TheCustomer
) -> RedeliveryResource:
    """Sends the messages of a time once more: those that failed, or with `only_failed: false` all that have ended.

    Up to 10,000 messages at a time. `dry_run` counts them first.
    """
    states = deliveries.UNDELIVERED if wanted.only_failed else deliveries.ENDED
    with services.database.transaction() as session:
        span = Span(wanted.since, wanted.until or database_now(session), states)
        endpoint = endpoints.require(session, endpoint_id, customer_id=customer.id)
        count = deliveries.redeliver_all(session, endpoint, span, is_dry=wanted.dry_run)
        return RedeliveryResource(count=count, dry_run=wanted.dry_run)


@router.post("/endpoints/{endpoint_id}/test", status_code=202, summary="Test a webhook endpoint", responses=_SENT)
def send_test(endpoint_id: UUID, services: ServicesOf, customer: TheCustomer) -> DeliveryDetails:
    """Sends a message of the type `endpoint.test`. Read the delivery for its attempts."""
    with services.database.transaction() as session:
        endpoint = endpoints.require(session, endpoint_id, customer_id=customer.id)
        return _details(session, deliveries.send_test(session, endpoint), services)


def _fields(row: WebhookDelivery) -> dict[str, object]:
    is_pending = row.state is DeliveryState.PENDING
    event_id = None if row.event_id is None else str(row.event_id)
    return {**row.model_dump(), "event_id": event_id, "next_at": row.next_at if is_pending else None}


def _resource(row: WebhookDelivery) -> DeliveryResource:
    return DeliveryResource.model_validate(_fields(row))


def _details(session: Session, row: WebhookDelivery, services: GatewayServices) -> DeliveryDetails:
    tries = [AttemptResource.model_validate(each) for each in deliveries.attempts(session, row.id)]
    body = bodies.of_delivery(of(session), row, services.settings.retention)
    return DeliveryDetails.model_validate({**_fields(row), "attempts": tries, "body": body})
