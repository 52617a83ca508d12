"""The figures as tables, for the terminal and for the page."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.table import Table

from bench.figures.results import GENERATIONS, Measure, Outcome, PartUse
from bench.figures.targets import Judgement, Verdict

_COLOURS = {Verdict.MET: "green", Verdict.MISSED: "red", Verdict.NOT_MEASURED: "yellow"}


@dataclass(frozen=True)
class Sheet:
    """A table of text."""

    title: str
    """The table's title."""
    headings: Sequence[str]
    """The columns' headings."""
    rows: Sequence[Sequence[str]]
    """The cells, row by row."""
    names: int = 2
    """The number of leading columns that name a row. The other columns hold figures."""

    def for_terminal(self) -> Table:
        """The table for rich."""
        table = Table(title=self.title, title_justify="left", title_style="bold")
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="left" if number < self.names else "right")
        for row in self.rows:
            table.add_row(*(f"[{_COLOURS[Verdict(cell)]}]{cell}" if cell in _COLOURS else cell for cell in row))
        return table

    def for_page(self) -> str:
        """The table in Markdown, without its title."""
        rules = ["---" if number < self.names else "--:" for number in range(len(self.headings))]
        lines = [self.headings, rules, *self.rows]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def targets(judgements: Sequence[Judgement]) -> Sheet:
    """Every target with its verdict."""
    rows = [(one.what, one.wanted, one.found, one.verdict.value) for one in judgements]
    return Sheet("targets", ("what", "target", "found", "verdict"), rows, names=1)


def figures(scenario: str, outcomes: Iterable[Outcome]) -> list[Sheet]:
    """The measures of a scenario. Cases with the same measures share a table."""
    return [
        Sheet(scenario, ("case", "subject", *headings), [_figures_row(outcome) for outcome in alike])
        for headings, alike in groupby(outcomes, key=_headings)
    ]


def uses(scenario: str, outcomes: Iterable[Outcome]) -> Sheet | None:
    """The use of every part in every case. None if nothing was metered."""
    rows = [row for outcome in outcomes for row in _uses_rows(outcome)]
    headings = ("case", "subject", "part", "CPU, s", "CPU, ms per generation", "peak memory, MiB")
    return Sheet(f"{scenario}: what each part used", headings, rows, names=3) if rows else None


def remarks(outcomes: Iterable[Outcome], kind: str) -> list[str]:
    """The `notes` or `problems` of all cases, without duplicates, each with its cases."""
    about: dict[str, list[str]] = {}
    for outcome in outcomes:
        for text in outcome.problems if kind == "problems" else outcome.notes:
            about.setdefault(text, []).append(f"{outcome.subject}, {outcome.case}")
    return [f"{text} ({'; '.join(dict.fromkeys(cases))})" for text, cases in about.items()]


def spread(values: Sequence[float]) -> str:
    """Median and range. The value alone if there is only one."""
    median = number(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({number(min(values))} to {number(max(values))})"


def number(value: float) -> str:
    """Three significant digits, or all digits before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def milliseconds_per_generation(outcome: Outcome, cpu_seconds: Sequence[float]) -> list[float] | None:
    """Processor time for each generation, in each round. None if there are no generations."""
    try:
        made = outcome.measure(GENERATIONS).values
    except LookupError:
        return None
    if not all(made) or len(made) != len(cpu_seconds):
        return None
    return [1000 * seconds / count for seconds, count in zip(cpu_seconds, made, strict=True)]


def _headings(outcome: Outcome) -> tuple[str, ...]:
    return tuple(_heading(measure) for measure in outcome.measures)


def _heading(measure: Measure) -> str:
    return f"{measure.what}, {measure.unit}" if measure.unit else measure.what


def _figures_row(outcome: Outcome) -> list[str]:
    return [outcome.case, outcome.subject, *(spread(measure.values) for measure in outcome.measures)]


def _uses_rows(outcome: Outcome) -> Iterator[list[str]]:
    for number_, part in enumerate([*outcome.parts, *_total(outcome.parts)]):
        each = milliseconds_per_generation(outcome, part.cpu_seconds)
        names = [outcome.case, outcome.subject] if number_ == 0 else ["", ""]
        memory = number(part.peak_mib) if part.peak_mib else ""
        yield [*names, part.part, spread(part.cpu_seconds), spread(each) if each else "", memory]


def _total(parts: Sequence[PartUse]) -> list[PartUse]:
    """The sum over all parts. Peaks of memory have no sum: they occur at different moments."""
    rounds = {len(part.cpu_seconds) for part in parts}
    if len(parts) < 2 or len(rounds) != 1:
        return []
    seconds = [sum(values) for values in zip(*(part.cpu_seconds for part in parts), strict=True)]
    return [PartUse(part="all", cpu_seconds=seconds, peak_mib=0)]
