"""The endpoints of customers: made, changed, rotated, paused and deleted by them."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from schemas.customer_tables import Customer
from schemas.errors import InvalidRequest, NotFound
from schemas.lists import Position
from schemas.webhook_tables import WebhookEndpoint
from schemas.webhooks import PauseReason
from storage import lists
from storage.generations import database_now
from storage.lists import Page

MOST = 50
"""The most endpoints of a customer, without those of `callback_url`s."""

_SECRET_PREFIX = "whsec_"  # noqa: S105 -- the beginning of every secret
_SECRET_BYTES = 32


class Changes(TypedDict, total=False):
    """New values of an endpoint. A value that is left out stays as it is."""

    url: str
    """Where messages go."""
    types: Sequence[str]
    """The types that the endpoint hears."""
    description: str | None
    """The use of the endpoint, for people."""


@dataclass(frozen=True)
class Filter:
    """The endpoints of a list."""

    is_implicit: bool | None = None
    """Whether `callback_url`s made them. None: both kinds."""
    url: str | None = None
    """Their URL. None: any."""
    is_paused: bool | None = None
    """Whether they are paused. None: both."""


def new_secret() -> str:
    """A secret in the form of Standard Webhooks."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def create(
    session: Session, customer_id: UUID, url: str, *, types: Sequence[str], description: str | None = None
) -> WebhookEndpoint | None:
    """Make an endpoint. None: the customer has as many as a customer may have."""
    # The lock orders the endpoints of one customer. Orders do not wait for it.
    session.exec(select(Customer.id).where(Customer.id == customer_id).with_for_update(key_share=True)).one()
    live = _live(customer_id, Filter(is_implicit=False)).subquery()
    if session.exec(select(func.count()).select_from(live)).one() >= MOST:
        return None
    row = WebhookEndpoint(
        customer_id=customer_id, url=url, types=list(types), description=description, secret=new_secret()
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return row


def require(
    session: Session, endpoint_id: UUID, *, customer_id: UUID | None = None, locks: bool = False
) -> WebhookEndpoint:
    """An endpoint.

    Args:
        customer_id: an endpoint of this customer. None: an operator asks.
        locks: lock the row until the end of the transaction.

    Raises:
        NotFound: there is no such endpoint.
    """
    wanted = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, col(WebhookEndpoint.deleted_at).is_(None))
    if customer_id is not None:
        wanted = wanted.where(WebhookEndpoint.customer_id == customer_id)
    found = session.exec(wanted.with_for_update(key_share=True) if locks else wanted).one_or_none()
    if found is None:
        raise NotFound(f"there is no webhook endpoint {endpoint_id}")
    return found


def listed(
    session: Session, customer_id: UUID | None, wanted: Filter, after: Position | None, *, limit: int
) -> Page[WebhookEndpoint]:
    """One page of endpoints, newest first.

    Args:
        customer_id: the customer. None: the endpoints of all customers.
    """
    return lists.read(session, WebhookEndpoint, _live(customer_id, wanted), after, limit=limit)


def change(session: Session, row: WebhookEndpoint, changes: Changes) -> None:
    """Change an endpoint. A new URL has not failed yet."""
    if "url" in changes and changes["url"] != row.url:
        row.url, row.failing_since = changes["url"], None
    if "types" in changes:
        row.types, row.hears_since = list(changes["types"]), database_now(session)
    if "description" in changes:
        row.description = changes["description"]


def delete(session: Session, row: WebhookEndpoint) -> None:
    """Delete an endpoint: nothing is sent any more. A sweep removes its deliveries."""
    row.deleted_at = database_now(session)
    row.url, row.secret, row.earlier_secret, row.description = "", "", None, None


def rotate(session: Session, row: WebhookEndpoint, *, ends_in: timedelta) -> None:
    """Give an endpoint another secret. The earlier one signs, too, for a time. With no time, all earlier ones end now.

    Raises:
        InvalidRequest: a still earlier secret signs, too, and would end now.
    """
    now = database_now(session)
    if ends_in and row.earlier_secret_until is not None and row.earlier_secret_until > now:
        until = row.earlier_secret_until.isoformat(timespec="seconds").replace("+00:00", "Z")
        text = (
            f"the secret before the last rotation is valid until {until}, and another rotation would end it now. "
            "Rotate after that time, or with 0: then both earlier secrets end at once"
        )
        raise InvalidRequest.of_fields([("ends_in", text)])
    row.earlier_secret = row.secret if ends_in else None
    row.earlier_secret_until = now + ends_in if ends_in else None
    row.secret = new_secret()


def pause(session: Session, row: WebhookEndpoint, reason: PauseReason) -> None:
    """Send nothing until `resume`. A paused endpoint keeps its first reason."""
    if row.paused_at is None:
        row.paused_at, row.paused_reason = database_now(session), reason


def resume(row: WebhookEndpoint) -> None:
    """Send again, at first the deliveries that have waited."""
    row.paused_at = row.paused_reason = row.failing_since = None


def _live(customer_id: UUID | None, wanted: Filter) -> SelectOfScalar[WebhookEndpoint]:
    found = select(WebhookEndpoint).where(col(WebhookEndpoint.deleted_at).is_(None))
    if customer_id is not None:
        found = found.where(WebhookEndpoint.customer_id == customer_id)
    if wanted.is_implicit is not None:
        found = found.where(col(WebhookEndpoint.is_implicit).is_(wanted.is_implicit))
    if wanted.url is not None:
        found = found.where(WebhookEndpoint.url == wanted.url)
    if wanted.is_paused is not None:
        is_paused = col(WebhookEndpoint.paused_at).is_not(None)
        found = found.where(is_paused if wanted.is_paused else ~is_paused)
    return found
