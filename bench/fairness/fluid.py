"""The fluid fair queue: an ideal server that works on all customers at once, each with the same share of its rate.

No server of whole orders can be fairer. The waits of the system are compared with those of this queue.
"""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """Work that arrives."""

    name: int
    """The name of the job."""
    customer: Hashable
    """The customer."""
    at: float
    """The time of arrival."""
    cost: float
    """The work, in units of the rate."""


def starts(jobs: Iterable[Job], rate: float, weights: Mapping[Hashable, float] | None = None) -> dict[int, float]:
    """The time at which the fluid queue begins each job.

    Args:
        jobs: the jobs. Those of a customer are served in the order of arrival.
        rate: the work that the server does in a second.
        weights: the weights of customers. A customer that is left out has the weight 1.
    """
    arriving = deque(sorted(jobs, key=lambda job: job.at))
    queues: defaultdict[Hashable, deque[Job]] = defaultdict(deque)
    left: dict[Hashable, float] = {}
    begun: dict[int, float] = {}
    now = 0.0
    while arriving or left:
        shares = _shares(left, rate, weights or {})
        done_in = {customer: left[customer] / share for customer, share in shares.items()}
        first = min(done_in, key=done_in.__getitem__, default=None)
        ends_at = now + done_in[first] if first is not None else float("inf")
        arrives_at = arriving[0].at if arriving else float("inf")
        step = max(0.0, min(ends_at, arrives_at) - now)  # rounding
        for customer, share in shares.items():
            left[customer] -= share * step
        now += step
        if first is not None and ends_at <= arrives_at:
            ended = first
            queues[ended].popleft()
            del left[ended]
        else:
            job = arriving.popleft()
            ended = job.customer
            queues[ended].append(job)
        if queues[ended] and ended not in left:
            head = queues[ended][0]
            begun[head.name], left[ended] = now, head.cost
    return begun


def _shares(left: Mapping[Hashable, float], rate: float, weights: Mapping[Hashable, float]) -> dict[Hashable, float]:
    total = sum(weights.get(customer, 1) for customer in left)
    return {customer: rate * weights.get(customer, 1) / total for customer in left}
