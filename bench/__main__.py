"""`python -m bench`, which `make bench` runs: measures the speed of Reelworks and its peers."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from bench.fairness.vendors import VENDORS
from bench.figures import tables
from bench.figures.document import PAGE, document
from bench.figures.run import Run
from bench.instruments.machine import describe
from bench.scenario import RunContext
from bench.scenarios import ONLY_BY_NAME, SCENARIOS
from bench.subjects.reelworks import NAME as REELWORKS

console = Console()

_KEPT = Path(".reelworks/bench")
_ROUNDS = 3
_HELP = f"some of {', '.join(SCENARIOS)}; default: all but {', '.join(ONLY_BY_NAME)}"


def main(
    scenarios: Annotated[list[str] | None, typer.Argument(help=_HELP)] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help=f"default: {_ROUNDS}, or 1 if quick")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="a small run: shows that the bench works")] = False,
    json: Annotated[Path | None, typer.Option(help="also write the figures to this file")] = None,
    peers: Annotated[bool, typer.Option(help="also measure the peers")] = True,
    vendor: Annotated[str | None, typer.Option(help=f"admission: one of {', '.join(VENDORS)}; default: all")] = None,
    orders: Annotated[int | None, typer.Option(min=20, help="admission: the number of orders")] = None,
    work: Annotated[float | None, typer.Option(min=0.1, help="admission: the mean seconds at the vendor")] = None,
    faults: Annotated[bool, typer.Option("--faults", help="admission: empty Redis and kill workers meanwhile")] = False,
    write: Annotated[bool, typer.Option("--document", help=f"also write the figures into docs/{PAGE.name}")] = False,
) -> None:
    """Measure, print tables and targets, and keep the figures as JSON. Exits with 1 after a problem or failure."""
    chosen = _chosen(scenarios or [])
    if vendor is not None and vendor not in VENDORS:
        console.print(f"There is no vendor {vendor!r} in the bench; there are {', '.join(VENDORS)}", soft_wrap=True)
        raise typer.Exit(2)
    _KEPT.mkdir(parents=True, exist_ok=True)
    with _sigterm_as_exit(), tempfile.TemporaryDirectory(prefix="run-", dir=_KEPT) as folder:
        context = RunContext(
            console,
            Path(folder).resolve(),
            rounds or (1 if quick else _ROUNDS),
            quick,
            peers,
            vendor,
            orders,
            work,
            faults,
        )
        run = Run(
            machine=describe(context.folder), began_at=datetime.now(UTC), rounds=context.rounds, is_quick=context.quick
        )
        files = [_KEPT / f"{run.began_at:%Y%m%d-%H%M%S}.json", *([json] if json else [])]
        for name in chosen:
            _measure(context, run, name)
            _keep(run, files)
    _print_targets(run)
    console.print(f"figures: {', '.join(map(str, files))}", soft_wrap=True)
    if write:
        document(run)
        console.print(f"written: {PAGE.relative_to(PAGE.parent.parent)} and its plots", soft_wrap=True)
    raise typer.Exit(1 if run.failures or _has_problems(run) else 0)


def _chosen(names: Sequence[str]) -> list[str]:
    """The named scenarios in the bench's order. Without names: all but those that must be named."""
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        console.print(f"There is no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}", soft_wrap=True)
        raise typer.Exit(2)
    return [name for name in SCENARIOS if name in names or (not names and name not in ONLY_BY_NAME)]


def _measure(context: RunContext, run: Run, name: str) -> None:
    """Measure a scenario and print its outcomes. A failure is printed, and the bench goes on with the next scenario."""
    began = time.monotonic()
    try:
        outcomes = SCENARIOS[name].measure(context)
    except Exception as error:  # noqa: BLE001 -- an hour's figures must not be lost for the last scenario's trouble
        run.failures[name] = f"{type(error).__name__}: {error}"
        console.print_exception()
    else:
        run.outcomes += outcomes
        _print_outcomes(run, name)
    run.seconds += time.monotonic() - began


def _print_outcomes(run: Run, name: str) -> None:
    outcomes = run.of(name)
    used = tables.uses(name, outcomes)
    for sheet in (*tables.figures(name, outcomes), *([used] if used else [])):
        console.print(sheet.for_terminal())
    for note in tables.remarks(outcomes, "notes"):
        console.print(f"  {note}", markup=False, soft_wrap=True)
    for problem in tables.remarks(outcomes, "problems"):
        console.print(f"[red]problem[/red]: {escape(problem)}", soft_wrap=True)


def _print_targets(run: Run) -> None:
    if run.is_quick:
        console.print("[yellow]A quick run: the figures show that the bench works, and nothing else.[/yellow]")
    console.print(tables.targets(run.targets).for_terminal())
    for name, why in run.failures.items():
        console.print(f"[red]not measured[/red]: {name}: {escape(why)}", soft_wrap=True)


def _keep(run: Run, files: Sequence[Path]) -> None:
    for file in files:
        file.write_text(run.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _has_problems(run: Run) -> bool:
    """Whether Reelworks itself had problems. A peer's problem is a finding."""
    return any(outcome.problems for outcome in run.outcomes if outcome.subject.startswith(REELWORKS))


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that everything started is ended."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    typer.run(main)
