"""Percentiles of a round's measurements."""

import statistics
from collections.abc import Sequence

from bench.figures.results import Measure


def percentiles(what: str, seconds: Sequence[float], *, unit: str = "ms") -> list[Measure]:
    """The 50th, 95th and 99th percentile as measures in `unit`: `ms` or `s`."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    factor = {"ms": 1000.0, "s": 1.0}[unit]
    return [Measure(what=f"{what} p{rank}", unit=unit, values=[cuts[rank - 1] * factor]) for rank in (50, 95, 99)]
