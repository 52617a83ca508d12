"""The limits of a customer and of an API key: how many generations at once and on one day, and for how many credits."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class OnLimit(StrEnum):
    """What happens to an order over a limit."""

    REJECT = "reject"
    """The order is refused."""
    WAIT = "wait"
    """The order is accepted and waits in our queue."""


class QuotaLimit(StrEnum):
    """The name of a limit."""

    IN_FLIGHT = "in_flight"
    """Generations at the same time."""
    PER_DAY = "per_day"
    """Generations of one day in UTC."""
    CREDITS_PER_DAY = "credits_per_day"
    """Credits of one day in UTC."""


class QuotaHolder(StrEnum):
    """Whose limit it is."""

    CUSTOMER = "customer"
    """The limit of the customer."""
    KEY = "key"
    """The limit of the API key, and of those that share its limits."""


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The limits of a customer or of an API key. A limit of None does not exist."""

    in_flight: int | None = None
    """The most generations at the same time. With `reject`: accepted and unfinished. With `wait`: at providers."""
    per_day: int | None = None
    """The most generations on one day in UTC. With `reject`: accepted on the day. With `wait`: begun on the day."""
    credits_per_day: int | None = None
    """The most credits that the generations of one day hold or have cost."""
    on_limit: OnLimit = OnLimit.REJECT
    """What happens to an order over a limit."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """The limits in a row of the database."""
        return cls(**{**stored, "on_limit": OnLimit(stored["on_limit"])})

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit at all."""
        return self.in_flight is None and self.per_day is None and self.credits_per_day is None

    @property
    def waits(self) -> bool:
        """Whether orders over a limit wait."""
        return self.on_limit is OnLimit.WAIT


UNLIMITED = Quota()


@dataclass(frozen=True)
class Used:
    """How much of its limits a customer or a key has used."""

    in_flight: int
    """The generations that count against `Quota.in_flight` now."""
    today: int
    """The generations of today, in UTC."""
    credits_today: int
    """The credits of the generations of today."""
