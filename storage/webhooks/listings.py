"""Lists of endpoints and deliveries for operators, newest first. The lists contain no secrets."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from schemas.event_types import EventType
from schemas.webhook_tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from schemas.webhooks import DeliveryState, PauseReason
from storage.webhooks import deliveries, endpoints


@dataclass(frozen=True)
class ListedEndpoint:
    """An endpoint of a customer."""

    id: UUID
    """The endpoint's id."""
    customer_id: UUID
    """The customer."""
    url: str
    """Where messages go, without the values of the query."""
    types: str
    """The types that it hears, with commas."""
    is_implicit: bool
    """Whether a `callback_url` made it."""
    created_at: datetime | None
    """The time of creation."""
    failing_since: datetime | None
    """The first failure after the last success."""
    paused_at: datetime | None
    """Since when nothing is sent."""
    paused_reason: PauseReason | None
    """Why nothing is sent."""


@dataclass(frozen=True)
class ListedDelivery:
    """A message to an endpoint."""

    id: UUID
    """The id of the message."""
    endpoint_id: UUID
    """The endpoint."""
    generation_id: UUID | None
    """The generation."""
    type: EventType
    """The type of the event."""
    state: DeliveryState
    """How far the message is."""
    tries: int
    """The attempts since the event, or since the last redelivery."""
    next_at: datetime | None
    """The next attempt. None once none follows."""
    created_at: datetime | None
    """The time of the event."""
    ended_at: datetime | None
    """The end of the message."""


@dataclass(frozen=True)
class ListedAttempt:
    """One try to send a message."""

    number: int
    """1 for the first attempt."""
    began_at: datetime | None
    """The beginning."""
    status: int | None
    """The HTTP status of the answer."""
    seconds: float
    """The duration."""
    error: str | None
    """Why the attempt failed."""
    answer: str | None
    """The first bytes of the answer."""


def _without_query(url: str) -> str:
    """The URL without the values of its query: customers put tokens there."""
    address, mark, _ = url.partition("?")
    return f"{address}?[…]" if mark else address


def listed_endpoints(
    session: Session, customer_id: UUID | None, wanted: endpoints.Filter, *, limit: int
) -> list[ListedEndpoint]:
    """The newest endpoints of a customer, or of all customers."""
    page = endpoints.listed(session, customer_id, wanted, None, limit=limit)
    return [endpoint(row) for row in page.rows]


def listed_deliveries(session: Session, wanted: deliveries.Filter, *, limit: int) -> list[ListedDelivery]:
    """The newest deliveries. With a state or a type: of the last ones that were made."""
    return [delivery(row) for row in deliveries.listed(session, wanted, None, limit=limit).rows]


def endpoint(row: WebhookEndpoint) -> ListedEndpoint:
    """An endpoint as lists show it."""
    return ListedEndpoint(
        row.id, row.customer_id, _without_query(row.url), ",".join(row.types), row.is_implicit, row.created_at,
        row.failing_since, row.paused_at, row.paused_reason,
    )  # fmt: skip


def delivery(row: WebhookDelivery) -> ListedDelivery:
    """A delivery as lists show it."""
    next_at = row.next_at if row.state is DeliveryState.PENDING else None
    return ListedDelivery(
        row.id, row.endpoint_id, row.generation_id, EventType(row.type), row.state, row.tries, next_at, row.created_at,
        row.ended_at,
    )  # fmt: skip


def attempt(row: WebhookAttempt) -> ListedAttempt:
    """An attempt as lists show it."""
    return ListedAttempt(row.number, row.began_at, row.status, row.seconds, row.error, row.answer)
