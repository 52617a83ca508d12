"""Reads one page of a list, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import literal, tuple_
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from schemas.admission_tables import AdmissionChange
from schemas.customer_tables import ApiKey, Customer
from schemas.identity_tables import Service
from schemas.lists import Position
from schemas.webhook_tables import WebhookDelivery, WebhookEndpoint

Row = TypeVar("Row", AdmissionChange, ApiKey, Customer, Service, WebhookEndpoint, WebhookDelivery)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows."""

    rows: Sequence[Row]
    """The rows."""
    next: Position | None
    """The position after which the next page begins. None at the end of the list."""


def read(
    session: Session, table: type[Row], wanted: SelectOfScalar[Row], after: Position | None, *, limit: int
) -> Page[Row]:
    """Read the page that follows a position. None: the first page.

    Args:
        wanted: selects the rows of all pages.
    """
    place = tuple_(col(table.created_at), col(table.id))
    if after is not None:
        wanted = wanted.where(place < tuple_(literal(after.created_at), literal(after.id)))
    newest = wanted.order_by(col(table.created_at).desc(), col(table.id).desc()).limit(limit + 1)
    found = session.exec(newest).all()
    rows = found[:limit]
    return Page(rows, place_of(rows[-1]) if len(found) > limit else None)


def place_of(row: Row) -> Position:
    """The place of a stored row in its list."""
    if row.created_at is None:
        raise ValueError("the row is not stored yet")
    return Position(row.created_at, row.id)
