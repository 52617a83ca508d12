"""`python -m drills.chaos`, which `make chaos` runs: breaks the running system and audits it."""

import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drills.chaos.plans import plan
from drills.chaos.report import show
from drills.chaos.run import run

console = Console()

_HIGHEST_SEED = 10**6


def main(
    seed: Annotated[int | None, typer.Option(help="decides faults and orders; default: random")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="length of orders and faults")] = 20.0,
    short: Annotated[bool, typer.Option(help="18 seconds with one fault of each main kind")] = False,
    attacks: Annotated[bool, typer.Option(help="let a stranger attack the doors all along")] = True,
    json: Annotated[Path | None, typer.Option(help="also write the report to this file")] = None,
    keep: Annotated[bool, typer.Option(help="keep the logs also without a breach")] = False,
) -> None:
    """Break every part of the running system, on a schedule that the seed decides, and audit the result."""
    seed = secrets.randbelow(_HIGHEST_SEED) if seed is None else seed
    planned = plan.short(seed) if short else plan.full(seed, minutes)
    console.print(
        f"seed {seed}, {planned.minutes:.3g} minutes: {len(planned.faults)} faults, {len(planned.orders)} orders; "
        f"schedule {planned.digest}"
    )
    folder = Path(tempfile.mkdtemp(prefix="reelworks-chaos-"))
    is_fine = False
    try:
        report = run(planned, folder, console, is_attacked=attacks)
        show(report, console)
        if json is not None:
            json.write_text(report.model_dump_json(indent=2) + "\n")
        is_fine = not report.breaches
    finally:
        if is_fine and not keep:
            shutil.rmtree(folder)
        else:
            console.print(f"logs and data: {folder}", soft_wrap=True)
    raise typer.Exit(0 if is_fine else 1)


if __name__ == "__main__":
    typer.run(main)
