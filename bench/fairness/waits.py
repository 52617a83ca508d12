"""How long orders waited until the vendor had them, beside the fluid fair queue."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.fairness.fluid import Job, starts
from bench.fairness.orders import BIG, PlannedOrder
from bench.fairness.vendors import Vendor


@dataclass(frozen=True)
class CustomerWaits:
    """The waits of a customer, in seconds."""

    customer: int
    """The customer's number."""
    orders: int
    """The orders."""
    p50: float
    """The median."""
    p95: float
    """The 95th percentile."""
    fluid_p50: float
    """The median in the fluid queue."""
    fluid_p95: float
    """The 95th percentile in the fluid queue."""

    def part_of_bound(self, factor: float, service_seconds: float) -> float:
        """The p95 as a part of `factor` times that of the fluid queue and one service time."""
        return self.p95 / (factor * self.fluid_p95 + service_seconds)


def waits(
    orders: Sequence[PlannedOrder], accepted: Mapping[int, float], created: Mapping[int, float], vendor: Vendor
) -> list[CustomerWaits]:
    """The waits of each customer from acceptance to the vendor's create. An order that the vendor never had is left
    out."""
    by_window = vendor.window_seconds is not None
    rate = vendor.places / vendor.window_seconds if vendor.window_seconds else float(vendor.places)
    jobs = [
        Job(order.number, order.customer, accepted[order.number], 1.0 if by_window else order.work_seconds)
        for order in orders
    ]
    fluid = starts(jobs, rate)
    own: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for order in orders:
        if order.number in created:
            at = accepted[order.number]
            own[order.customer].append((max(0.0, created[order.number] - at), fluid[order.number] - at))
    return [_summary(customer, pairs) for customer, pairs in sorted(own.items())]


def small(found: Iterable[CustomerWaits]) -> list[CustomerWaits]:
    """The waits of all customers but the one with most orders."""
    return [each for each in found if each.customer != BIG]


def _summary(customer: int, pairs: Sequence[tuple[float, float]]) -> CustomerWaits:
    real, fluid = ([pair[side] for pair in pairs] for side in (0, 1))
    return CustomerWaits(customer, len(pairs), _cut(real, 50), _cut(real, 95), _cut(fluid, 50), _cut(fluid, 95))


def _cut(values: Sequence[float], rank: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1] if len(values) > 1 else values[0]
