"""`python -m drills.hostile`, which `make hostile` runs: attacks the running system and measures what others notice."""

import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from drills.hostile.bodies import BODIES
from drills.hostile.connections import CONNECTIONS
from drills.hostile.links import LINKS
from drills.hostile.messages import MESSAGES
from drills.hostile.probe import Probe
from drills.hostile.report import Result, show
from drills.hostile.target import Target, running
from drills.hostile.watch import watching

console = Console()

_USUAL_ORDERS = 10


def main(
    only: Annotated[str, typer.Option(help="only the attacks on this door, or whose name holds this text")] = "",
) -> None:
    """Attack every door of a running system. Exit with 1 if an attack disturbs others or takes too much memory."""
    every = all_probes()
    doors = {each.kind for each in every}
    probes = [each for each in every if only == each.kind or (only not in doors and only in each.name)]
    if not probes:
        console.print(f"no attack has {only!r} in its name; the doors are {', '.join(sorted(doors))}")
        raise typer.Exit(2)
    with tempfile.TemporaryDirectory(prefix="reelworks-hostile-") as folder, running(Path(folder)) as target:
        usual = statistics.median(target.good_order() for _ in range(_USUAL_ORDERS))
        results = [run(target, probe, usual) for probe in track(probes, "attacks", console=console)]
        target.stack.check()
    raise typer.Exit(0 if show(results, console) else 1)


def all_probes() -> list[Probe]:
    """Every attack."""
    return [*CONNECTIONS, *BODIES, *LINKS, *MESSAGES]


def run(target: Target, probe: Probe, usual: float) -> Result:
    """Run an attack beside an honest order, and measure both."""
    with ThreadPoolExecutor(1) as pool, watching(target) as seen:
        attack = pool.submit(probe.attack, target)
        order_seconds = target.good_order()
        answer = attack.result()
    return Result(probe, answer, seen, order_seconds, usual)


if __name__ == "__main__":
    typer.run(main)
