"""Breaks rules on purpose, one at a time. The model or the named tests must find each mutant.

The checks run in a changed copy of the tree. The working tree stays as it is.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from drills.mutations import MODEL, MUTANTS, Mutant

console = Console()

_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Verdict:
    """The verdict on a mutant."""

    mutant: Mutant
    """The mutant."""
    found_by: str | None
    """The check that found the mutant. None if no check did."""
    how: str
    """The first error of that check."""
    seconds: float
    """The length of the checks."""


def main(
    only: Annotated[str, typer.Option(help="only mutants whose name contains this")] = "",
    examples: Annotated[int, typer.Option(min=1, help="most random stories of the model")] = 1000,
) -> None:
    """Break each rule and run its checks. Exits with 1 if a mutant survives."""
    chosen = [mutant for mutant in MUTANTS if only in mutant.name]
    verdicts: list[Verdict] = []
    for mutant in chosen:
        with console.status(f"{len(verdicts) + 1} of {len(chosen)}: {mutant.name}"):
            verdicts.append(_try(mutant, examples))
        verdict = verdicts[-1]
        console.print(f"{'found   ' if verdict.found_by else 'SURVIVED'} {mutant.name} ({verdict.seconds:.0f} s)")
    console.print(_table(verdicts))
    if any(verdict.found_by is None for verdict in verdicts):
        raise typer.Exit(1)


def _try(mutant: Mutant, examples: int) -> Verdict:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reelworks-mutant-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        mutant.apply(tree)
        for check in mutant.checks:
            how = _failure(tree, check, examples)
            if how is not None:
                return Verdict(mutant, check, how, time.monotonic() - began)
    return Verdict(mutant, None, "", time.monotonic() - began)


def copy_tree(tree: Path) -> None:
    """Copy the files that git tracks, and new files that it does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listing.stdout.split("\0")):
        if (_ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_ROOT / name, tree / name)


def _failure(tree: Path, check: str, examples: int) -> str | None:
    """The error of a check in a tree. None if the check passes."""
    environment = {
        **os.environ,
        # First on the path: the installed package is the tree without the change.
        "PYTHONPATH": str(tree),
        "MODEL_PROFILE": "detect",
        "MODEL_EXAMPLES": str(examples),
    }
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *check.split()],
        cwd=tree, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    match run.returncode:
        case 0:
            return None
        case 1:
            return _reason(run.stdout)
        case code:
            raise RuntimeError(f"pytest ended with {code}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")


def _reason(report: str) -> str:
    """The first line of the error."""
    lines = [line.removeprefix("E").strip() for line in report.splitlines() if line.startswith("E ")]
    return next((line for line in lines if "Error" in line or "Failed" in line), lines[0] if lines else "")


def _table(verdicts: list[Verdict]) -> Table:
    table = Table("mutant", "what it breaks", "found by", "how", "seconds")
    for verdict in verdicts:
        found_by = {None: "[red]NOTHING[/red]", MODEL: "the model"}.get(verdict.found_by, verdict.found_by)
        table.add_row(verdict.mutant.name, verdict.mutant.breaks, found_by, verdict.how[:120], f"{verdict.seconds:.0f}")
    return table


if __name__ == "__main__":
    typer.run(main)
