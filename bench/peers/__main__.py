"""`python -m bench.peers smoke [NAME]`: a few orders through each peer, in each of its modes."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from bench.peers.subjects import PEERS
from bench.subjects import Door, Ground, Running
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Scenario
from schemas.settings import Settings
from stack.stack import Stack

console = Console()
app = typer.Typer(add_completion=False)

_SENDERS = 8
_LOOK_EVERY_SECONDS = 0.1
_NO_LIMIT = 10**9


@app.callback()
def main() -> None:
    """What one would use instead of Reelworks, to measure it against."""


@app.command()
def smoke(
    name: Annotated[str, typer.Argument(help="only this one; otherwise all")] = "",
    orders: Annotated[int, typer.Option(min=1, help="orders for each mode of each peer")] = 10,
    processes: Annotated[int, typer.Option(min=1, help="worker processes")] = 1,
    patience: Annotated[float, typer.Option(min=1, help="seconds in which the orders must finish")] = 60.0,
) -> None:
    """Send a few orders through each peer in each of its modes, and audit what it did."""
    peers = [peer for peer in PEERS if name in {"", peer.name}]
    if not peers:
        raise typer.BadParameter(f"there is no {name!r}; there are: {', '.join(peer.name for peer in PEERS)}")
    table = Table("peer", "mode", "orders", "finished", "seconds", "problems")
    is_fine = True
    with _ground() as ground:
        for peer in peers:
            for mode in peer.modes:
                folder = ground.folder / f"{peer.name}-{mode}"
                with (
                    console.status(f"{peer.name}, {mode}"),
                    peer.running(
                        Ground(folder, ground.settings, ground.sandbox_url), mode=mode, processes=processes
                    ) as up,
                ):
                    seconds = _work_off(up, orders, patience)
                    finished, problems = up.finished(), up.problems()
                is_fine = is_fine and finished == orders and not problems
                told = "; ".join(problems) or "none"
                table.add_row(peer.name, mode, str(orders), str(finished), f"{seconds:.2f}", told)
    console.print(table)
    raise typer.Exit(0 if is_fine else 1)


@contextmanager
def _ground() -> Iterator[Ground]:
    """Services and a sandbox that answers at once and has no limits."""
    with tempfile.TemporaryDirectory(prefix="reelworks-peers-") as folder:
        with console.status("starting PostgreSQL, Redis, S3 and the sandbox"):
            stack = Stack(Path(folder) / "stack", Settings(_env_file=None), only=("sandbox",))
        with stack, SandboxClient(stack.sandbox_url) as sandbox:
            sandbox.set_limits(creates_per_10_seconds=_NO_LIMIT, reads_per_second=_NO_LIMIT, credits_=_NO_LIMIT)
            sandbox.add_scenario(Scenario(seconds=0, delivered=Delivered(width=64, height=64)))
            yield Ground(Path(folder) / "peers", stack.settings, stack.sandbox_url)


def _work_off(up: Running, orders: int, patience: float) -> float:
    """Place the orders and wait until they have finished; the seconds that it took, or `patience`."""
    began = time.monotonic()
    _place(up.door, orders)
    while up.finished() < orders and time.monotonic() < began + patience:
        time.sleep(_LOOK_EVERY_SECONDS)
    return time.monotonic() - began


def _place(door: Door, orders: int) -> None:
    with httpx.Client(headers=door.headers, timeout=30, trust_env=False) as http:

        def place(number: int) -> None:
            prompt = f"{door.body['prompt']}, number {number}"
            http.post(door.url, json={**door.body, "prompt": prompt}).raise_for_status()

        with ThreadPoolExecutor(_SENDERS) as senders:
            list(senders.map(place, range(orders)))


if __name__ == "__main__":
    app()
