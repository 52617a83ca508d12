"""What is ordered when, and what the vendor does to each order: a pure function of seed and length."""

import random
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from drills.chaos.plans.vendors import CANCEL_FAULTS, PRODUCES_NOTHING, SHARES, Model, VendorFault
from sandbox.scenarios import Match, Scenario


class Door(StrEnum):
    """How an order comes in."""

    HTTP = "http"
    REDIS = "redis"


_REDIS_SHARE = 0.1
_VENDOR_FAULT_SHARE = 0.35
_CANCELLED_SHARE = 0.05
_REPEATED_SHARE = 0.05
# The last customer's: who has few credits orders little.
_POOR_SHARE = 0.02


@dataclass(frozen=True, kw_only=True)
class PlannedOrder:
    """One order of the load."""

    number: int
    at: float
    """Seconds from the beginning of the load."""
    door: Door
    customer: int
    """Which of the load's customers."""
    model: Model
    vendor_fault: VendorFault | None
    is_repeated: bool
    """Sent once more after it was accepted, with the same key."""
    cancel_after: float | None
    """Seconds from acceptance to its cancelling."""

    @property
    def key(self) -> str:
        """Its idempotency key, which also is the word in its prompt that no other has."""
        return f"order-{self.number}."

    @property
    def is_doomed(self) -> bool:
        """Whether its vendor delivers nothing, whatever we do."""
        if self.vendor_fault is VendorFault.CREATE_FORGOTTEN:
            return not self.model.can_be_looked_up
        return self.vendor_fault in PRODUCES_NOTHING

    def request(self, deadline_seconds: int) -> dict[str, JsonValue]:
        """The body of `POST /v1/generations`."""
        return {
            "model": self.model.name,
            "prompt": f"a lighthouse, {self.key}",
            "deadline_seconds": deadline_seconds,
            **self.model.order,
        }

    def scenario(self) -> Scenario | None:
        """How the sandbox must treat it, where that is not as usual."""
        if self.vendor_fault is None:
            return None
        match = Match(prompt_contains=self.key)
        return Scenario.model_validate({**self.model.behaviour(self.vendor_fault), "match": match})


def plan_orders(seed: int, *, seconds: float, count: int, customers: int) -> list[PlannedOrder]:
    """The orders of a run, spread over its time, in order of time."""
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
        # An order over Redis cannot be cancelled by one who does not read the answer.
        door=Door.REDIS if not is_cancelled and rng.random() < _REDIS_SHARE else Door.HTTP,
        customer=customers - 1 if rng.random() < _POOR_SHARE else rng.randrange(customers - 1),
        model=model,
        vendor_fault=fault,
        is_repeated=rng.random() < _REPEATED_SHARE,
        cancel_after=rng.uniform(0.0, 2.0) if is_cancelled else None,
    )


def _possible(model: Model) -> list[VendorFault]:
    return [fault for fault in VendorFault if model.can_be_cancelled or fault not in CANCEL_FAULTS]
