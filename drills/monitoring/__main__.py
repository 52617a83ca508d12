"""`python -m drills.monitoring`, which `make panels` runs: draws every panel of the dashboards during a chaos run."""

import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drills.chaos.plans.plan import full
from drills.chaos.report import show
from drills.chaos.run import run
from drills.chaos.system import targets_in
from drills.monitoring.drawing import draw
from drills.monitoring.servers import Prometheus
from stack.services import ended_in_reverse

console = Console()

_HIGHEST_SEED = 10**6


def main(
    minutes: Annotated[float, typer.Option(min=0.5, help="length of orders and faults")] = 4.0,
    seed: Annotated[int | None, typer.Option(help="decides faults and orders; default: random")] = None,
    into: Annotated[Path, typer.Option(help="the folder of the sheets")] = Path("docs/ops"),
) -> None:
    """Run the system under load and faults with the real Prometheus beside it, and draw the dashboards."""
    seed = secrets.randbelow(_HIGHEST_SEED) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="reelworks-panels-"))
    prometheus = Prometheus(folder / "prometheus", targets=targets_in(folder))
    with ended_in_reverse([prometheus]):
        prometheus.start()
        prometheus.wait_until_ready()
        began = time.time()
        report = run(full(seed, minutes), folder, console)
        files = draw(prometheus, into, start=began, end=time.time())
    show(report, console)
    for file in files:
        console.print(f"{file}: {file.stat().st_size / 1000:.0f} kB", highlight=False)
    shutil.rmtree(folder)


if __name__ == "__main__":
    typer.run(main)
