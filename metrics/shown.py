"""Shows the figures of the whole system in the one process that read them."""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from metrics.families import FIGURES_AT, FIGURES_SECONDS
from metrics.instruments import REGISTRY, Gauge, Values

Figures = Mapping[Gauge, Mapping[Values, float]]
"""The series of each figure."""


class Shown(Collector):
    """The figures that this process shows. They vanish when they are too old: a wrong figure is worse than none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures: Figures = {}
        self._ends_at = 0.0

    def show(self, figures: Figures, *, took_seconds: float, for_seconds: float) -> None:
        """Show figures in place of the earlier ones.

        Args:
            took_seconds: the length of their reading.
            for_seconds: the time after which the figures vanish.
        """
        about: Figures = {FIGURES_AT: {(): time.time()}, FIGURES_SECONDS: {(): took_seconds}}
        with self._lock:
            self._figures, self._ends_at = {**figures, **about}, time.monotonic() + for_seconds

    def hide(self) -> None:
        """Show nothing: another process has the turn, or a service does not answer."""
        with self._lock:
            self._figures = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures, for a reader."""
        with self._lock:
            figures = self._figures if time.monotonic() < self._ends_at else {}
        for gauge, series in figures.items():
            family = GaugeMetricFamily(gauge.name, gauge.told, labels=gauge.label_names)
            for values, number in series.items():
                family.add_metric(values, number)
            yield family

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: the figures are not known when the registry asks."""
        return iter(())


SHOWN: Final = Shown()
"""The figures that this process shows."""

REGISTRY.register(SHOWN)
