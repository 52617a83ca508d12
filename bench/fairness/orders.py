"""Who orders what, and when: one customer sends three quarters of all orders at once, the others send theirs beside."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

CUSTOMERS = 20
BIG = 0
"""The customer who sends most orders."""

_BIG_SHARE = 0.75
# The small customers' orders come within this part of the time that all work takes.
_WITHIN = 0.6
# The work of an order takes one of these parts of the mean.
_LENGTHS = (0.8, 0.9, 1.0, 1.1, 1.2)


@dataclass(frozen=True)
class PlannedOrder:
    """An order of the run."""

    number: int
    """The number, from 0."""
    customer: int
    """The customer's number. `BIG` is the one with most orders."""
    at: float
    """The seconds from the begin of the run to the order."""
    work_seconds: float
    """The time of the work at the vendor."""

    @property
    def prompt(self) -> str:
        """The prompt. Its words find the order at the vendor, and choose the time of the work."""
        return f"{length_word(self.work_seconds)} of customer {self.customer}, {order_word(self.number)}"


def order_word(number: int) -> str:
    """The words of an order in its prompt."""
    return f"order {number}."


def length_word(work_seconds: float) -> str:
    """The words of a time of work in a prompt."""
    return f"a lighthouse for {work_seconds:g} s"


def lengths(mean_seconds: float) -> list[float]:
    """The times of work that orders take."""
    return [round(mean_seconds * part, 2) for part in _LENGTHS]


def plan(count: int, *, mean_seconds: float, a_second: float, seed: int) -> list[PlannedOrder]:
    """The orders of a run by time.

    Of the small customers, every second one sends all orders at once at a random time, and the others send theirs one
    by one.

    Args:
        count: the orders of all customers.
        mean_seconds: the mean time of the work.
        a_second: the orders that the account takes a second.
        seed: decides all that is random.
    """
    chance = random.Random(seed)
    big = round(count * _BIG_SHARE)
    span = count / a_second * _WITHIN
    times = [(BIG, 0.0)] * big
    small = CUSTOMERS - 1
    for customer in range(1, CUSTOMERS):
        own = (count - big) // small + (customer <= (count - big) % small)
        times += [(customer, at) for at in _times(own, span, chance, at_once=customer % 2 == 0)]
    times.sort(key=lambda each: each[1])
    work = lengths(mean_seconds)
    return [
        PlannedOrder(number, customer, at, work[chance.randrange(len(work))])
        for number, (customer, at) in enumerate(times)
    ]


def _times(count: int, span: float, chance: random.Random, *, at_once: bool) -> Sequence[float]:
    if at_once:
        return [chance.uniform(0, span)] * count
    return [chance.uniform(0, span) for _ in range(count)]
