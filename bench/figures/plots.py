"""The figures as plots."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.figures.results import GENERATIONS, Measure, Outcome
from bench.figures.run import Run
from bench.figures.tables import milliseconds_per_generation

_WIDTH = 8.0
_BAR = 0.32
"""The height in inches."""
_MARGIN = 0.9
# The same figures give the same file.
mpl.rcParams["svg.hashsalt"] = "reelworks"


def draw(run: Run, folder: Path) -> list[Path]:
    """Draw a plot for each scenario, and one for each part's cost of a generation. Plots without figures are left out.

    Returns:
        The files, in the order of the scenarios.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for scenario in run.scenarios:
        if not any(outcome.measures for outcome in run.of(scenario)):
            continue
        drawn.append(_save(_panels(scenario, run.of(scenario)), folder / f"{scenario}.svg"))
        costs = _costs(run.of(scenario))
        if costs is not None:
            drawn.append(_save(costs, folder / f"{scenario}-cpu.svg"))
    return drawn


def _panels(scenario: str, outcomes: Sequence[Outcome]) -> Figure:
    """A panel of bars for each measure: the median, with a whisker from the lowest to the highest round."""
    names = list(dict.fromkeys(measure.what for outcome in outcomes for measure in outcome.measures))
    panels = {name: _with(outcomes, name) for name in names if name != GENERATIONS}
    heights = [_MARGIN + _BAR * len(bars) for bars in panels.values()]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    rows = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for axes, (name, bars) in zip(rows[:, 0], panels.items(), strict=True):
        unit = bars[0][1].unit
        _bars(axes, bars)
        axes.set_title(f"{scenario}: {name}, {unit}" if unit else f"{scenario}: {name}", loc="left", fontsize=10)
    return figure


def _with(outcomes: Sequence[Outcome], what: str) -> list[tuple[str, Measure]]:
    return [
        (f"{outcome.subject}: {outcome.case}", measure)
        for outcome in outcomes
        for measure in outcome.measures
        if measure.what == what
    ]


def _bars(axes: Axes, bars: Sequence[tuple[str, Measure]]) -> None:
    labels = [label for label, _ in bars]
    medians = [measure.median for _, measure in bars]
    below = [measure.median - measure.low for _, measure in bars]
    above = [measure.high - measure.median for _, measure in bars]
    subjects = list(dict.fromkeys(label.partition(":")[0] for label in labels))
    colours = [f"C{subjects.index(label.partition(':')[0])}" for label in labels]
    axes.barh(range(len(bars)), medians, xerr=[below, above], color=colours, ecolor="0.25", capsize=2)
    _label(axes, labels)


def _costs(outcomes: Sequence[Outcome]) -> Figure | None:
    """The processor time of a generation in milliseconds, stacked by part. None if there are no generations."""
    made = [
        outcome for outcome in outcomes if outcome.parts and _cost(outcome, outcome.parts[0].cpu_seconds) is not None
    ]
    if not made:
        return None
    figure = Figure(figsize=(_WIDTH, 2 + _BAR * len(made)), layout="constrained")
    axes = figure.subplots()
    left = [0.0] * len(made)
    for number, name in enumerate(dict.fromkeys(part.part for outcome in made for part in outcome.parts)):
        widths = [sum(_cost(one, part.cpu_seconds) or 0 for part in one.parts if part.part == name) for one in made]
        drawn = axes.barh(range(len(made)), widths, left=left, label=name, color=f"C{number % 10}")
        for bar in drawn:
            bar.set(hatch="//" if number >= 10 else "", edgecolor="white", linewidth=0.3)
        left = [begin + width for begin, width in zip(left, widths, strict=True)]
    axes.set_title("CPU milliseconds for each generation, by part", loc="left", fontsize=10)
    _label(axes, [f"{outcome.subject}: {outcome.case}" for outcome in made])
    figure.legend(loc="outside lower center", ncols=5, fontsize=7)
    return figure


def _cost(outcome: Outcome, cpu_seconds: Sequence[float]) -> float | None:
    """The mean over the rounds. Medians of the parts would not add up."""
    each = milliseconds_per_generation(outcome, cpu_seconds)
    return sum(each) / len(each) if each else None


def _label(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", linewidth=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path
