"""Writes the figures of a run into `docs/performance.md`, between its two marks, and draws the plots.

`python -m bench.figures.document RUN.json` does the same with a stored run.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.figures import tables
from bench.figures.plots import draw
from bench.figures.run import Run

PAGE = Path(__file__).parent.parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def document(run: Run, page: Path = PAGE) -> None:
    """Replace the text between the marks, and draw the plots into the folder with the page's name.

    Raises:
        ValueError: the page lacks a mark, has one twice, or has them in the wrong order.
    """
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{page} must hold {BEGIN!r} and then {END!r}, each once")
    plots = draw(run, page.with_suffix(""))
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    figures = "\n\n".join(_sections(run, [plot.relative_to(page.parent) for plot in plots]))
    page.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}", encoding="utf-8")


def _sections(run: Run, plots: Sequence[Path]) -> Iterator[str]:
    if run.is_quick:
        yield "**These figures are of a quick run: they show that the bench works, and nothing else.**"
    yield _about(run)
    yield "### Targets"
    yield tables.targets(run.targets).for_page()
    for scenario in run.scenarios:
        outcomes = run.of(scenario)
        yield f"### {scenario.capitalize()}"
        for sheet in tables.figures(scenario, outcomes):
            yield sheet.for_page()
        yield from (f"**Problem:** {problem}" for problem in tables.remarks(outcomes, "problems"))
        yield from tables.remarks(outcomes, "notes")
        yield from (f"![{plot.stem}]({plot})" for plot in plots if plot.stem in {scenario, f"{scenario}-cpu"})
        used = tables.uses(scenario, outcomes)
        if used is not None:
            yield f"<details><summary>CPU and memory of each part</summary>\n\n{used.for_page()}\n\n</details>"
    yield from (f"**Not measured:** {name}: {why}" for name, why in run.failures.items())


def _about(run: Run) -> str:
    machine = run.machine
    return (
        f"Taken on {run.began_at:%Y-%m-%d} at revision `{machine.revision}`, {run.rounds} rounds, "
        f"{run.seconds / 60:.0f} minutes. The machine: {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib:g} GiB, {machine.kernel}; a write of 8 KiB is on its disk after "
        f"{machine.sync_milliseconds:g} ms; load average before the run {machine.load_average:g}. "
        f"Python {machine.python}, PostgreSQL {machine.postgresql}, Valkey {machine.valkey}, rclone {machine.rclone}, "
        f"Celery {machine.celery}. Everything runs on this machine. Figures are medians over the rounds, with the "
        "lowest and the highest round in brackets."
    )


def main(run: Annotated[Path, typer.Argument(help="the JSON file of a run", exists=True)]) -> None:
    """Write the figures of a stored run into the page."""
    document(Run.model_validate_json(run.read_text(encoding="utf-8")))


if __name__ == "__main__":
    typer.run(main)
