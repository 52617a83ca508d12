"""`python -m drills.chaos`: what `make chaos` runs."""

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
    seed: Annotated[int | None, typer.Option(help="decides all that goes wrong; random if left out")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="how long to order and to break")] = 20.0,
    short: Annotated[bool, typer.Option(help="18 seconds with a fault of each kind, as the tests run it")] = False,
    json: Annotated[Path | None, typer.Option(help="write the report here, too")] = None,
    keep: Annotated[bool, typer.Option(help="keep the logs even if nothing is wrong")] = False,
) -> None:
    """Break every part of the running system, on a schedule that the seed decides, and audit what is left."""
    seed = secrets.randbelow(_HIGHEST_SEED) if seed is None else seed
    planned = plan.short(seed) if short else plan.full(seed, minutes)
    console.print(
        f"seed {seed}, {planned.minutes:.3g} minutes: {len(planned.faults)} faults, {len(planned.orders)} orders; "
        f"schedule {planned.digest}"
    )
    folder = Path(tempfile.mkdtemp(prefix="reelworks-chaos-"))
    is_fine = False
    try:
        report = run(planned, folder, console)
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
