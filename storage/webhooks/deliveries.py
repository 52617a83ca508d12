"""The deliveries of customers: lists, redeliveries, and messages that try an endpoint.

The trigger of `events` makes the deliveries of events. `storage.webhooks.sending` sends them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, literal, tuple_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from schemas.errors import EndpointPaused, NotFound, TooManyDeliveries
from schemas.event_types import EventType
from schemas.lists import Position
from schemas.webhook_tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from schemas.webhooks import DeliveryState
from storage import lists, sql
from storage.generations import database_now
from storage.lists import Page
from storage.webhooks.sending import MOST_ATTEMPTS

MOST_AT_ONCE = 10_000
"""The most messages of one redelivery."""

UNDELIVERED = (DeliveryState.FAILED, DeliveryState.DROPPED)
"""The ends without success. An index has them."""

# A page reads so many rows at most. Filters that few rows pass give short pages.
_MOST_READ = 1000

ENDED = (DeliveryState.DELIVERED, *UNDELIVERED)
"""The states of messages that are not sent any more."""


@dataclass(frozen=True)
class Filter:
    """The deliveries of a list. None: any."""

    customer_id: UUID | None = None
    """Their customer."""
    endpoint_id: UUID | None = None
    """Their endpoint."""
    generation_id: UUID | None = None
    """Their generation."""
    state: DeliveryState | None = None
    """Their state."""
    type: EventType | None = None
    """Their type."""


@dataclass(frozen=True)
class Span:
    """The messages of an endpoint to send again."""

    since: datetime
    """The first time of their events."""
    until: datetime
    """The time after the last one."""
    states: Collection[DeliveryState]
    """Their states."""


def listed(session: Session, wanted: Filter, after: Position | None, *, limit: int) -> Page[WebhookDelivery]:
    """One page of deliveries, newest first. Those to deleted endpoints are left out."""
    place = tuple_(col(WebhookDelivery.created_at), col(WebhookDelivery.id))
    way = _way(wanted)
    if after is not None:
        way = way.where(place < tuple_(literal(after.created_at), literal(after.id)))
    is_filtered = wanted.state is not None or wanted.type is not None
    most = _MOST_READ if is_filtered else limit + 1
    newest = way.order_by(col(WebhookDelivery.created_at).desc(), col(WebhookDelivery.id).desc()).limit(most)
    read = session.exec(newest).all()
    found = [row for row in read if wanted.state in {None, row.state} and wanted.type in {None, row.type}]
    if len(found) > limit:
        return Page(found[:limit], lists.place_of(found[limit - 1]))
    return Page(found, lists.place_of(read[-1]) if len(read) == most else None)


def _way(wanted: Filter) -> SelectOfScalar[WebhookDelivery]:
    """The deliveries among which a page is filtered. An index gives them, newest first."""
    live = col(WebhookEndpoint.id) == WebhookDelivery.endpoint_id, col(WebhookEndpoint.deleted_at).is_(None)
    way = select(WebhookDelivery).join(WebhookEndpoint, and_(*live))
    for column, value in (
        (WebhookDelivery.customer_id, wanted.customer_id),
        (WebhookDelivery.endpoint_id, wanted.endpoint_id),
        (WebhookDelivery.generation_id, wanted.generation_id),
    ):
        if value is not None:
            way = way.where(col(column) == value)
    return way.where(col(WebhookDelivery.state).in_(UNDELIVERED)) if wanted.state in UNDELIVERED else way


def require(
    session: Session, delivery_id: UUID, *, customer_id: UUID | None = None, locks: bool = False
) -> WebhookDelivery:
    """A delivery.

    Args:
        customer_id: a delivery of this customer. None: an operator asks.
        locks: lock the row until the end of the transaction.

    Raises:
        NotFound: there is no such delivery, or its endpoint is deleted.
    """
    found = session.exec(
        _locked(_way(Filter(customer_id)).where(WebhookDelivery.id == delivery_id), locks=locks)
    ).one_or_none()
    if found is None:
        raise NotFound(f"there is no webhook delivery {delivery_id}")
    return found


def attempts(session: Session, delivery_id: UUID) -> Sequence[WebhookAttempt]:
    """The newest attempts of a delivery, the oldest of them first."""
    theirs = select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id)
    newest = session.exec(theirs.order_by(col(WebhookAttempt.number).desc()).limit(MOST_ATTEMPTS)).all()
    return newest[::-1]


def redeliver(session: Session, row: WebhookDelivery) -> None:
    """Send a message once more, now, with the same id. Its retries begin anew.

    Raises:
        EndpointPaused: its endpoint is paused.
    """
    _require_sending(session.get_one(WebhookEndpoint, row.endpoint_id))
    row.state, row.tries, row.ended_at, row.next_at = DeliveryState.PENDING, 0, None, database_now(session)


def redeliver_all(session: Session, endpoint: WebhookEndpoint, span: Span, *, is_dry: bool) -> int:
    """Send the messages of a span once more, as `redeliver` does.

    Args:
        is_dry: count them, and send nothing.

    Returns:
        Their number.

    Raises:
        EndpointPaused: the endpoint is paused.
        TooManyDeliveries: the span has more than `MOST_AT_ONCE`.
    """
    meant = {
        "customer_id": endpoint.customer_id, "endpoint_id": endpoint.id, "since": span.since, "until": span.until,
        "states": [state.value for state in span.states],
    }  # fmt: skip
    count = sql.of(session).first(_COUNT, **meant, most=MOST_AT_ONCE + 1) or 0
    if count > MOST_AT_ONCE:
        raise TooManyDeliveries(f"the time has more than {MOST_AT_ONCE:,} messages: name a shorter time")
    if is_dry:
        return count
    _require_sending(endpoint)
    return sql.of(session).first(_REDELIVER, **meant, most=MOST_AT_ONCE) or 0


def redeliver_of_generation(statements: sql.Sql, generation_id: UUID) -> int:
    """Send the messages about a generation once more that were given up. Returns their number.

    Those to paused and deleted endpoints stay as they are.
    """
    states = [state.value for state in UNDELIVERED]
    return statements.first(_REDELIVER_OF, generation_id=generation_id, states=states) or 0


def send_test(session: Session, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A message by which the customer tries an endpoint. The endpoint's filter does not matter.

    Raises:
        EndpointPaused: the endpoint is paused.
    """
    _require_sending(endpoint)
    row = WebhookDelivery(
        endpoint_id=endpoint.id,
        customer_id=endpoint.customer_id,
        type=EventType.TEST,
        data={"endpoint_id": str(endpoint.id)},
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return row


_SPAN = """
    SELECT id FROM webhook_deliveries
    WHERE customer_id = %(customer_id)s AND endpoint_id = %(endpoint_id)s
      AND created_at >= %(since)s AND created_at < %(until)s
      AND state = ANY(%(states)s)
"""

_COUNT = sql.returns(int)(f"SELECT count(*) FROM ({_SPAN} LIMIT %(most)s) AS meant")  # noqa: S608 -- a constant

# A message that is being sent is pending, so no span has it.
_REDELIVER = sql.returns(int)(f"""
    WITH meant AS ({_SPAN} ORDER BY created_at, id LIMIT %(most)s FOR UPDATE), again AS (
        UPDATE webhook_deliveries
        SET state = 'pending', tries = 0, ended_at = NULL, lease_until = NULL, next_at = clock_timestamp()
        FROM meant WHERE webhook_deliveries.id = meant.id
        RETURNING webhook_deliveries.id
    )
    SELECT count(*) FROM again
""")  # noqa: S608 -- a constant


_REDELIVER_OF = sql.returns(int)("""
    WITH meant AS (
        SELECT d.id FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
        WHERE d.generation_id = %(generation_id)s AND d.state = ANY(%(states)s)
          AND e.deleted_at IS NULL AND e.paused_at IS NULL
        ORDER BY d.created_at, d.id FOR UPDATE OF d
    ), again AS (
        UPDATE webhook_deliveries
        SET state = 'pending', tries = 0, ended_at = NULL, lease_until = NULL, next_at = clock_timestamp()
        FROM meant WHERE webhook_deliveries.id = meant.id
        RETURNING webhook_deliveries.id
    )
    SELECT count(*) FROM again
""")


def _require_sending(endpoint: WebhookEndpoint) -> None:
    if endpoint.paused_at is not None:
        raise EndpointPaused("nothing is sent to a paused endpoint: resume it first")


def _locked(wanted: SelectOfScalar[WebhookDelivery], *, locks: bool) -> SelectOfScalar[WebhookDelivery]:
    return wanted.with_for_update(of=WebhookDelivery) if locks else wanted
