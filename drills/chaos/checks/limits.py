"""Compares what the vendors had at once with the limits of their accounts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from drills.chaos.checks.book import Breach
from drills.chaos.plans.vendors import LIMITS, SHARES
from sandbox.control_models import TaskReport
from sandbox.peaks import most_at_once
from schemas.names import ProviderName


def most_in_flight(theirs: Sequence[TaskReport]) -> dict[ProviderName, int]:
    """The most tasks that each vendor had at once."""
    accounts = {model.vendors_name: model.account for model, _ in SHARES}
    spans: defaultdict[ProviderName, list[tuple[float, float]]] = defaultdict(list)
    for task in theirs:
        if task.model in accounts:
            spans[accounts[task.model]].append((task.created_at, task.completed_at or float("inf")))
    return {name: most_at_once(its) for name, its in spans.items()}


def exceeded(most: Mapping[ProviderName, int]) -> list[Breach]:
    """The accounts that had more in flight than their limit."""
    return [
        Breach(f"the account {name}", f"had {count} in flight at once; the limit is {limit}")
        for name, count in most.items()
        if name in LIMITS and (limit := LIMITS[name].in_flight) is not None and count > limit
    ]
