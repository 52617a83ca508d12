"""`python -m drills.door`, which `make door-kills` runs: kills the Redis door under orders, and counts."""

import secrets
import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drills.door.run import Outcome, drill

console = Console()

_HIGHEST_SEED = 10**6


def main(
    kills: Annotated[int, typer.Option(min=1, help="kills of a process")] = 100,
    orders: Annotated[int, typer.Option(min=1, help="orders in all")] = 2000,
    processes: Annotated[int, typer.Option(min=1, help="processes of the door at the same time")] = 2,
    seed: Annotated[int | None, typer.Option(help="decides orders and moments; default: random")] = None,
) -> None:
    """Kill the process of the Redis door again and again. Exit with 1 if an order is lost, doubled or not answered."""
    if orders < kills:
        raise typer.BadParameter("each kill needs an order", param_hint="--orders")
    seed = secrets.randbelow(_HIGHEST_SEED) if seed is None else seed
    console.print(f"seed {seed}: {kills} kills of {processes} processes under {orders} orders")
    with tempfile.TemporaryDirectory(prefix="reelworks-door-") as folder, console.status("killing"):
        outcome = drill(Path(folder), kills=kills, orders=orders, processes=processes, seed=seed)
    show(outcome)
    raise typer.Exit(1 if outcome.problems else 0)


def show(outcome: Outcome) -> None:
    """Print the counts."""
    for form, count in outcome.orders.items():
        console.print(f"{count:6} orders: {form}")
    console.print(f"{outcome.generations:6} generations, {outcome.answers} answers")
    console.print(f"{outcome.kills:6} kills, {outcome.interrupted} with requests in hand")
    if outcome.waits:
        median, longest = statistics.median(outcome.waits), outcome.waits[-1]
        console.print(f"wait for an answer: median {median:.3f} s, longest {longest:.1f} s")
    for problem in outcome.problems:
        console.print(f"[red]{problem}[/red]", soft_wrap=True)
    console.print(f"[red]{len(outcome.problems)} problems[/red]" if outcome.problems else "[green]no problem[/green]")


if __name__ == "__main__":
    typer.run(main)
