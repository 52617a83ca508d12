"""Counters, histograms and gauges, with closed labels. They cost about a microsecond each time.

`Counter` and `Histogram` belong to one process. `Gauge` belongs to the whole system: its values come from the database
and from Redis, and one process at a time shows them (`metrics.shown`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Final, Generic, TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from metrics.exemplars import exemplar
from metrics.labels import OTHER, Label

PREFIX: Final = "reelworks_"

REGISTRY: Final = CollectorRegistry()
"""All metrics of this process. Prometheus's own `process_…` metrics are among them."""

ProcessCollector(registry=REGISTRY)

# A series for the time at which each series began would double them all.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

Values = tuple[str, ...]
"""The values of the labels of one series."""

M = TypeVar("M", bound=MetricWrapperBase)


class Family:
    """A metric: its name, its help and its labels."""

    suffixes: tuple[str, ...] = ("",)
    """The ends of the names of its series."""
    series_each: int = 1
    """The number of series for each combination of labels."""
    type: str
    """Prometheus's name of its type."""

    def __init__(self, name: str, told: str, *labels: Label, most: int | None = None) -> None:
        """Describe a metric.

        Args:
            name: the name, without the prefix of the project.
            told: the help.
            labels: the labels, in the order in which values are given.
            most: the most combinations of labels. None: as many as the labels allow.
        """
        self.name = PREFIX + name
        self.told = told
        self.labels = labels
        self._most = most

    @property
    def label_names(self) -> list[str]:
        """The names of the labels."""
        return [label.name for label in self.labels]

    @property
    def most_series(self) -> int:
        """The most series that the metric can have, in one process."""
        return self.series_each * (
            prod(label.most_values for label in self.labels) if self._most is None else self._most
        )

    def shown(self, values: Iterable[str]) -> Values:
        """The values that stand in series."""
        return tuple(label.shown(value) for label, value in zip(self.labels, values, strict=True))


class _OfProcess(Family, Generic[M]):
    """A metric that this process counts. Children are kept: to look one up by itself costs more than to count."""

    def __init__(
        self,
        name: str,
        told: str,
        *labels: Label,
        make: Callable[[str, str, Sequence[str]], M],
        most: int | None = None,
    ) -> None:
        super().__init__(name, told, *labels, most=most)
        self._metric = make(self.name, told, self.label_names)
        self._children: dict[Values, M] = {} if labels else {(): self._metric}

    def _child(self, values: Values) -> M:
        try:
            return self._children[values]
        except KeyError:
            shown = self.shown(values)
            child = self._metric.labels(*shown)
            if shown == values:
                # Only closed values are kept, so the table has a bound.
                self._children[values] = child
            return child


class Counter(_OfProcess[prometheus_client.Counter]):
    """A number that only grows while the process lives."""

    type = "counter"

    def __init__(self, name: str, told: str, *labels: Label, most: int | None = None) -> None:
        if not name.endswith("_total"):
            raise ValueError(f"{name}: the names of counters end with _total")
        super().__init__(name, told, *labels, make=_counter, most=most)
        # Begin at 0: `increase` does not see the first count of a series that begins with that count.
        for values in product(*(label.fixed for label in labels)):
            self._child(values)

    def add(self, *values: str, by: float = 1) -> None:
        """Count."""
        self._child(values).inc(by)

    def begin(self, *values: str) -> None:
        """Show a series at 0. A process does so where the first count is news, and a label is learned."""
        self._child(values)


class Histogram(_OfProcess[prometheus_client.Histogram]):
    """Counts of values by size, their sum and their number."""

    type = "histogram"
    suffixes = ("_bucket", "_sum", "_count")

    def __init__(self, name: str, told: str, *labels: Label, buckets: Sequence[float]) -> None:
        # The bucket without a bound, the sum and the count.
        self.series_each = len(buckets) + 3
        super().__init__(
            name, told, *labels,
            make=lambda name, told, labels: prometheus_client.Histogram(
                name, told, labels, buckets=buckets, registry=REGISTRY
            ),
        )  # fmt: skip

    def observe(self, *values: str, seconds: float) -> None:
        """Count a value, with the current trace as its exemplar. A clock that jumps back counts as 0."""
        self._child(values).observe(max(0.0, seconds), exemplar())


Merge = Callable[[float, float], float]
"""Makes one value of the values of two series."""


def _sum(one: float, other: float) -> float:
    return one + other


class Gauge(Family):
    """A figure of the whole system."""

    type = "gauge"

    def __init__(self, name: str, told: str, *labels: Label, most: int | None = None, merge: Merge = _sum) -> None:
        """Describe a figure.

        Args:
            most: the most series. The smallest ones beyond it become `other`.
            merge: makes one value of two: their sum, or their maximum for ages.
        """
        super().__init__(name, told, *labels, most=most)
        self._merge = merge

    def series(self, rows: Iterable[tuple[Sequence[str], float]]) -> dict[Values, float]:
        """The values by labels, with closed labels, up to the bound of the gauge."""
        found: dict[Values, float] = {}
        for values, number in rows:
            self._add(found, self.shown(values), number)
        return found if self._most is None or len(found) <= self._most else self._reduced(found, self._most)

    def _reduced(self, found: Mapping[Values, float], most: int) -> dict[Values, float]:
        """The largest series, and one for all others."""
        largest = sorted(found, key=lambda values: found[values], reverse=True)
        kept = {values: found[values] for values in largest[: most - 1]}
        for values in largest[most - 1 :]:
            self._add(kept, (OTHER,) * len(self.labels), found[values])
        return kept

    def _add(self, to: dict[Values, float], values: Values, number: float) -> None:
        to[values] = self._merge(to[values], number) if values in to else number


def _counter(name: str, told: str, labels: Sequence[str]) -> prometheus_client.Counter:
    return prometheus_client.Counter(name, told, labels, registry=REGISTRY)
