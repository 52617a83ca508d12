"""Draws the panels of a dashboard on a sheet, from what Prometheus answers to their queries.

A drawing shows that each query gives what its title says. It is not what Grafana shows.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from PIL import Image

from drills.monitoring.panels import Panel, Query, panels
from drills.monitoring.servers import Prometheus, Series

RATE_INTERVAL: Final = "30s"
"""The time over which rates are taken."""

_COLUMNS: Final = 3
_INCHES: Final = (5.4, 3.1)
_DOTS: Final = 80
# A file with few colours is small, and lines need few.
_COLOURS: Final = 128
_POINTS: Final = 240
_MOST_IN_LEGEND: Final = 9
_LONGEST_NAME: Final = 34
_LABEL: Final = re.compile(r"{{\s*(\w+)\s*}}")

_STEPS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_UNITS: Final = {"s": "s", "Bps": "B/s", "bytes": "B", "ops": "/s", "reqps": "/s", "short": ""}


@dataclass(frozen=True)
class Line:
    """A series of a panel."""

    name: str
    """The name in the legend."""
    minutes: Sequence[float]
    """The times, from the beginning."""
    values: Sequence[float]
    """The values. Not a number: a quantile of nothing."""

    @property
    def highest(self) -> float:
        """The highest value."""
        return max((value for value in self.values if not math.isnan(value)), default=0.0)


def draw(prometheus: Prometheus, folder: Path, *, start: float, end: float) -> list[Path]:
    """Draw a sheet for each dashboard. Returns the files.

    Args:
        start: the beginning, as `time.time()` tells.
        end: the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    every = panels(rate_interval=RATE_INTERVAL)
    files: list[Path] = []
    for dashboard in dict.fromkeys(panel.dashboard for panel in every):
        own = [panel for panel in every if panel.dashboard == dashboard]
        lines = [[*_lines(prometheus, panel, start, end)] for panel in own]
        files.append(_save(_sheet(dashboard, own, lines, minutes=(end - start) / 60), folder / f"{dashboard}.png"))
    return files


def _lines(prometheus: Prometheus, panel: Panel, start: float, end: float) -> Sequence[Line]:
    step = max(1.0, (end - start) / _POINTS)
    return [
        Line(
            named(query, series),
            [(moment - start) / 60 for moment, _ in series.points],
            [value for _, value in series.points],
        )
        for query in panel.queries
        for series in prometheus.query_range(query.expression, start=start, end=end, step=step)
    ]


def named(query: Query, series: Series) -> str:
    """The name of a series, as its legend says."""
    return _LABEL.sub(lambda found: series.labels.get(found[1], ""), query.legend)


def _sheet(dashboard: str, own: Sequence[Panel], lines: Sequence[Sequence[Line]], *, minutes: float) -> Figure:
    rows = -(-len(own) // _COLUMNS)
    width, height = _INCHES
    figure = Figure(figsize=(width * _COLUMNS, height * rows + 0.5), layout="constrained")
    figure.suptitle(
        f"Reelworks: {dashboard} — drawn from the queries of ops/grafana/{dashboard}.json, not opened in Grafana",
        fontsize=12,
    )
    places = [*figure.subplots(rows, _COLUMNS, squeeze=False).flat]
    for axes, panel, drawn in zip(places, own, lines, strict=False):
        _panel(axes, panel, drawn, minutes)
    for axes in places[len(own) :]:
        axes.set_axis_off()
    return figure


def _panel(axes: Axes, panel: Panel, lines: Sequence[Line], minutes: float) -> None:
    axes.set_title(panel.title, loc="left", fontsize=10, fontweight="bold")
    axes.set_xlim(0, minutes)
    axes.grid(visible=True, linewidth=0.4, alpha=0.6)
    axes.tick_params(labelsize=8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: measured(value, panel.unit)))
    axes.set_xlabel("minutes", fontsize=8)
    # The busiest series are named, and all are drawn.
    by_size = sorted(lines, key=lambda line: line.highest, reverse=True)
    for index, line in enumerate(by_size):
        name = _short(line.name) if index < _MOST_IN_LEGEND else None
        axes.plot(line.minutes, line.values, linewidth=1.2, label=name, marker="." if len(line.values) == 1 else None)
    if not lines:
        axes.text(0.5, 0.5, "no data in this time", transform=axes.transAxes, ha="center", fontsize=9)
        return
    more = f" and {len(lines) - _MOST_IN_LEGEND} more" if len(lines) > _MOST_IN_LEGEND else None
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=6.5, loc="upper left", framealpha=0.75, title=more, title_fontsize=6.5)


def measured(value: float, unit: str) -> str:
    """A value with its unit, as people write it: `2.5 kB`."""
    for size, letter in _STEPS if unit != "s" else ():
        if abs(value) >= size:
            return f"{value / size:g} {letter}{_UNITS[unit]}"
    return f"{value:g} {_UNITS[unit]}".strip()


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _save(figure: Figure, file: Path) -> Path:
    figure.savefig(file, dpi=_DOTS)
    with Image.open(file) as drawn:
        drawn.convert("RGB").quantize(_COLOURS).save(file, optimize=True)
    return file
