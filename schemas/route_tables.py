"""The tables of routes: the calls that a route answered, its circuit breaker, and the breaker's changes.

`storage/migrations/versions/0022_routes.py` has the functions that decide.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, Float, Identity, Index, Integer, String, Text
from sqlmodel import Field, SQLModel

from schemas.columns import MOMENT, created_at, words
from schemas.names import ProviderName


class BreakerState(StrEnum):
    """The state of a route's circuit breaker."""

    CLOSED = "closed"
    """Creates go to the vendor."""
    OPEN = "open"
    """No create goes to the vendor until the pause is over."""
    HALF_OPEN = "half_open"
    """One create goes to the vendor as a probe. Its outcome closes the breaker, or opens it for a longer pause."""


def _count() -> Column[float]:
    return Column(Float, nullable=False, server_default="0")


class RouteHealth(SQLModel, table=True):
    """The health of a route that has failed at least once. All processes share it."""

    __tablename__: ClassVar[str] = "route_health"

    provider: ProviderName = Field(sa_column=Column(String(64), primary_key=True))
    """The account."""
    vendor_model: str = Field(sa_column=Column(Text, primary_key=True))
    """The vendor's name of the model."""
    creates_answered: float = Field(default=0.0, sa_column=_count())
    """The creates that the vendor answered, of about the last twenty."""
    creates_failed: float = Field(default=0.0, sa_column=_count())
    """The creates that failed, of about the last twenty."""
    reads_answered: float = Field(default=0.0, sa_column=_count())
    """The reads that the vendor answered, of about the last twenty."""
    reads_failed: float = Field(default=0.0, sa_column=_count())
    """The reads that failed, of about the last twenty."""
    counted_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the newest count."""
    reason: str | None = Field(default=None, sa_type=Text)
    """The newest failure."""
    opened_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """Since when the breaker is open or half-open. Null: closed."""
    retry_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The end of the pause. The next create after it is the probe."""
    openings: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    """The openings in a row. The pause doubles with each."""
    probe_id: UUID | None = None
    """The generation whose create is the probe."""
    probe_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time at which the generation became the probe."""
    changed_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the last opening after a closed state, or of the last closing."""


class RouteChange(SQLModel, table=True):
    """A change of a route's breaker. The functions delete those of 30 days ago."""

    __tablename__: ClassVar[str] = "route_changes"
    __table_args__ = (Index("ix_route_changes_route", "provider", "vendor_model", "at"),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    """The number of the change."""
    provider: ProviderName = Field(sa_type=String(64))
    """The account."""
    vendor_model: str = Field(sa_type=Text)
    """The vendor's name of the model."""
    state: BreakerState = Field(sa_type=words(BreakerState, is_closed=False))
    """The state from then on."""
    reason: str | None = Field(default=None, sa_type=Text)
    """The failure that opened the breaker."""
    generation_id: UUID | None = None
    """The generation whose create is, or was, the probe."""
    at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the change."""
