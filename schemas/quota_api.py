"""The limits of customers and of API keys in the HTTP API."""

from datetime import UTC, datetime, time, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from schemas.orders import OptionalNumber, OptionalWholeNumber
from schemas.quotas import OnLimit, Quota, Used

MOST_GENERATIONS = 2**31 - 1
"""The limit stops typing errors."""

_MOST_CREDITS = 2**53 - 1
_MOST_WEIGHT = 1_000_000

_IN_FLIGHT = "generations at the same time: with `reject` accepted and unfinished, with `wait` at providers"
_PER_DAY = "generations on one day in UTC: with `reject` accepted, with `wait` begun"
_CREDITS = "credits that the generations of one day in UTC hold or have cost"
_ON_LIMIT = "over a limit: `reject` refuses the order, `wait` accepts it, and it waits in the queue"
_NULL = "; null: no limit"


class LimitTerms(BaseModel):
    """The limits that keys and customers have."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    in_flight: OptionalWholeNumber = Field(default=None, description=_IN_FLIGHT + _NULL, ge=0, le=MOST_GENERATIONS)
    per_day: OptionalWholeNumber = Field(default=None, description=_PER_DAY + _NULL, ge=0, le=MOST_GENERATIONS)
    on_limit: OnLimit = Field(default=OnLimit.REJECT, description=_ON_LIMIT)


class LimitsChange(LimitTerms):
    """New limits of a customer. An omitted field stays as it is."""

    credits_per_day: OptionalWholeNumber = Field(default=None, description=_CREDITS + _NULL, ge=0, le=_MOST_CREDITS)
    weight: OptionalNumber = Field(
        default=None,
        description="the share of each provider account, relative to others; null: 1; only the operator sets it",
        gt=0,
        le=_MOST_WEIGHT,
    )


class CustomerChange(BaseModel):
    """New limits of a customer. An omitted field stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"limits": {"in_flight": 20, "credits_per_day": 5000, "on_limit": "wait"}}]},
    )

    limits: LimitsChange = Field(default=LimitsChange(), description="the customer's limits")
    test_limits: LimitsChange = Field(
        default=LimitsChange(), description="the limits of the customer's test keys together"
    )


class UsedLimits(BaseModel):
    """How much of limits is used."""

    in_flight: int
    """The generations that count against `in_flight` now."""
    today: int
    """The generations of today in UTC."""
    credits_today: int
    """The credits of the generations of today."""


class LimitsResource(BaseModel):
    """Limits, and how much of them is used."""

    in_flight: int | None = Field(description=_IN_FLIGHT + _NULL)
    per_day: int | None = Field(description=_PER_DAY + _NULL)
    credits_per_day: int | None = Field(description=_CREDITS + _NULL)
    on_limit: OnLimit = Field(description=_ON_LIMIT)
    used: UsedLimits
    """How much is used."""
    resets_at: datetime = Field(description="when the day ends")

    @classmethod
    def of(cls, quota: Quota, used: Used, now: datetime, **more: object) -> Self:
        """The resource of limits."""
        tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
        return cls.model_validate({**vars(quota), "used": vars(used), "resets_at": tomorrow, **more})


class CustomerLimitsResource(LimitsResource):
    """The share and the limits of a customer, and how much of them is used."""

    weight: float
    """The share of each provider account, relative to others."""


LIMITS_EXAMPLE: dict[str, JsonValue] = {
    "in_flight": 20,
    "per_day": None,
    "credits_per_day": 5000,
    "on_limit": "wait",
    "used": {"in_flight": 3, "today": 41, "credits_today": 420},
    "resets_at": "2026-11-30T00:00:00Z",
}
