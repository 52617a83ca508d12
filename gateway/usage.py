"""`GET /v1/usage`: a customer's generations, credits and stored bytes in a period."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from schemas.errors import InvalidRequest, Unauthenticated
from storage import usage
from storage.sql import Sql
from storage.usage import Stored, Use

router = customers_router("/v1/usage", "credits")

_MOST_DAYS = 92
_USUAL_DAYS = 30


class UsageQuery(BaseModel):
    """The period. Both days count, in UTC."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    first_day: date | None = Field(
        default=None, description="the first day; left out: 30 days up to `last_day`", examples=["2026-11-01"]
    )
    last_day: date | None = Field(default=None, description="the last day; left out: today", examples=["2026-11-29"])

    def period(self) -> tuple[date, date]:
        """The first and the last day.

        Raises:
            InvalidRequest: the period is too long, or ends before its beginning.
        """
        last = self.last_day or datetime.now(UTC).date()
        first = self.first_day or last - timedelta(days=min(_USUAL_DAYS - 1, (last - date.min).days))
        if first > last:
            raise InvalidRequest.of_fields([("first_day", f"must not be after the last day, {last}")])
        if last == date.max:
            raise InvalidRequest.of_fields([("last_day", "is too far in the future")])
        if (last - first).days >= _MOST_DAYS:
            text = f"must be at most {_MOST_DAYS} days before the end of the period: ask for several periods"
            raise InvalidRequest.of_fields([("first_day", text)])
        return first, last


class RenderSeconds(BaseModel):
    """The time at the provider."""

    p50: float = Field(description="half of the generations took no longer")
    p95: float = Field(description="nineteen of twenty took no longer")


class UsageOfModel(BaseModel):
    """The generations of one model that were accepted on one day, without deleted ones."""

    day: date = Field(description="in UTC")
    model: str
    """The model."""
    count: int
    """All generations."""
    completed: int
    """Those with a stored result."""
    failed: int
    """Those that failed."""
    cancelled: int
    """Those that were cancelled."""
    credits: int = Field(description="captured: paid for results, and for cancelled work that the provider bills")
    downloads: int = Field(description="how often the results were downloaded so far")
    render_seconds: RenderSeconds | None = Field(description="null while nothing has been rendered")
    mean_rating: float | None = Field(description="the mean of your ratings; null without one")


class StoredBytes(BaseModel):
    """The bytes that you have stored, by kind."""

    uploads: int = Field(description="of all your uploads")
    results: int = Field(description="of the results of the period's generations")
    posters: int = Field(description="of the posters of the period's generations")
    variants: int = Field(default=0, description="of the variants of the period's results")


class UsageResource(BaseModel):
    """The use of a period."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "usage",
                    "first_day": "2026-11-01",
                    "last_day": "2026-11-29",
                    "data": [
                        {
                            "day": "2026-11-29",
                            "model": "nano-banana",
                            "count": 12,
                            "completed": 10,
                            "failed": 1,
                            "cancelled": 0,
                            "credits": 40,
                            "downloads": 7,
                            "render_seconds": {"p50": 7.3, "p95": 14.1},
                            "mean_rating": 4.5,
                        }
                    ],
                    "stored_bytes": {"uploads": 1480213, "results": 20971520, "posters": 0, "variants": 0},
                }
            ]
        }
    )

    object: Literal["usage"] = "usage"
    """The type of this resource."""
    first_day: date
    """The first day of the period."""
    last_day: date
    """The last day of the period."""
    data: list[UsageOfModel] = Field(description="an entry for each day and model with generations, newest day first")
    stored_bytes: StoredBytes
    """The stored bytes by kind."""


@router.get("", summary="See your use", responses=problems(Unauthenticated, InvalidRequest))
async def get_usage(
    query: Annotated[UsageQuery, Query()], services: ServicesOf, customer: TheCustomer
) -> UsageResource:
    """Returns the generations, outcomes, credits, times and downloads of each day and model of a period.

    A period has up to 92 days. A generation belongs to the day of its acceptance, in UTC. Deleted generations are left
    out; the list of transfers still has their credits.
    """
    first, last = query.period()

    def read(sql: Sql) -> tuple[Sequence[Use], Stored]:
        return usage.by_day(sql, customer.id, first, last), usage.stored(sql, customer.id, first, last)

    found, stored = await services.loop_database.statements(read)
    return UsageResource(
        first_day=first,
        last_day=last,
        data=[_of_model(use) for use in found],
        stored_bytes=StoredBytes(**vars(stored)),
    )


def _of_model(use: Use) -> UsageOfModel:
    seconds = None
    if use.p50_seconds is not None and use.p95_seconds is not None:
        seconds = RenderSeconds(p50=round(use.p50_seconds, 1), p95=round(use.p95_seconds, 1))
    return UsageOfModel(**vars(use), render_seconds=seconds)
