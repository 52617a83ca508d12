"""Plans the orders of a run and the vendor's behaviour for each: a pure function of seed and length."""

import random
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from drills.chaos.plans.vendors import CANCEL_FAULTS, PRODUCES_NOTHING, SHARES, Model, VendorFault
from drills.door.clients import Form
from sandbox.scenarios import Match, Scenario


class Door(StrEnum):
    """The way of an order into the system."""

    HTTP = "http"
    REDIS = "redis"


_REDIS_SHARE = 0.2
_VENDOR_FAULT_SHARE = 0.35
_CANCELLED_SHARE = 0.05
_REPEATED_SHARE = 0.05
_CALLBACK_SHARE = 0.25
# The share of the last customer, who has few credits.
_POOR_SHARE = 0.02


@dataclass(frozen=True, kw_only=True)
class PlannedOrder:
    """One order of the load."""

    number: int
    """The order's number."""
    at: float
    """Seconds from the beginning of the load."""
    door: Door
    """The order's door."""
    form: Form
    """The form of an order over Redis."""
    has_callback_url: bool
    """Whether the order names a URL that hears of its end."""
    customer: int
    """The index of the customer."""
    model: Model
    """The ordered model."""
    vendor_fault: VendorFault | None
    """The vendor's fault. None for normal behaviour."""
    is_repeated: bool
    """Whether the order is sent again with the same key after it was accepted."""
    cancel_after: float | None
    """Seconds from acceptance to a cancel. None without a cancel."""

    @property
    def key(self) -> str:
        """The idempotency key. It is also a unique word in the prompt."""
        return f"order-{self.number}."

    @property
    def is_doomed(self) -> bool:
        """Whether the vendor delivers nothing, whatever the system does."""
        if self.vendor_fault is VendorFault.CREATE_FORGOTTEN:
            return not self.model.can_be_looked_up
        return self.vendor_fault in PRODUCES_NOTHING

    def request(self, deadline_seconds: int, callback_url: str = "") -> dict[str, JsonValue]:
        """The body of `POST /v1/generations`.

        Args:
            callback_url: the URL of an order that names one.
        """
        return {
            "model": self.model.name,
            "prompt": f"a lighthouse, {self.key}",
            "deadline_seconds": deadline_seconds,
            **self.model.order,
            **({"callback_url": callback_url} if callback_url and self.has_callback_url else {}),
        }

    def scenario(self) -> Scenario | None:
        """The sandbox's scenario for this order. None for normal behaviour."""
        if self.vendor_fault is None:
            return None
        match = Match(prompt_contains=self.key)
        return Scenario.model_validate({**self.model.behaviour(self.vendor_fault), "match": match})


def plan_orders(seed: int, *, seconds: float, count: int, customers: int) -> list[PlannedOrder]:
    """The orders of a run, spread over its time, sorted by time."""
    rng = random.Random(f"orders {seed}")
    times = sorted(rng.uniform(0.0, seconds) for _ in range(count))
    return [_order(rng, number, at, customers) for number, at in enumerate(times)]


def _order(rng: random.Random, number: int, at: float, customers: int) -> PlannedOrder:
    models, weights = zip(*SHARES, strict=True)
    (model,) = rng.choices(models, weights)
    fault = rng.choice(_possible(model)) if rng.random() < _VENDOR_FAULT_SHARE else None
    is_cancelled = fault in CANCEL_FAULTS or rng.random() < _CANCELLED_SHARE
    return PlannedOrder(
        number=number,
        at=at,
        # A cancel comes over the order's door, and these clients cancel over HTTP alone.
        door=Door.REDIS if not is_cancelled and rng.random() < _REDIS_SHARE else Door.HTTP,
        form=rng.choice(list(Form)),
        has_callback_url=rng.random() < _CALLBACK_SHARE,
        customer=customers - 1 if rng.random() < _POOR_SHARE else rng.randrange(customers - 1),
        model=model,
        vendor_fault=fault,
        is_repeated=rng.random() < _REPEATED_SHARE,
        cancel_after=rng.uniform(0.0, 2.0) if is_cancelled else None,
    )


def _possible(model: Model) -> list[VendorFault]:
    return [fault for fault in VendorFault if model.can_be_cancelled or fault not in CANCEL_FAULTS]
