"""`python -m bench.peers smoke [NAME]` sends a few orders through each peer, in each of its modes."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from bench.peers.litellm_proxy.proxy import litellm_proxy
from bench.peers.subjects import PEERS
from bench.subjects.protocols import Door, Infrastructure, Running, Subject
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Scenario
from schemas.settings import Settings
from stack.stack import Stack

console = Console()
app = typer.Typer(add_completion=False)

LITELLM = "LiteLLM"

_SENDERS = 8
_LOOK_EVERY_SECONDS = 0.1


@app.callback()
def main() -> None:
    """Alternatives to Reelworks, for comparison."""


@app.command()
def smoke(
    name: Annotated[str, typer.Argument(help="the peer to try; default: all")] = "",
    orders: Annotated[int, typer.Option(min=1, help="orders for each mode of each peer")] = 10,
    processes: Annotated[int, typer.Option(min=1, help="worker processes")] = 1,
    patience: Annotated[float, typer.Option(min=1, help="seconds in which the orders must finish")] = 60.0,
) -> None:
    """Send a few orders through each peer in each of its modes, and audit the results."""
    names = [*(peer.name for peer in PEERS), LITELLM]
    if name and name not in names:
        raise typer.BadParameter(f"there is no {name!r}; there are: {', '.join(names)}")
    table = Table("peer", "mode", "orders", "finished", "seconds", "problems")
    with _infrastructure() as infrastructure:
        fine = [
            _try_peer(peer, mode, infrastructure, _Extent(orders, processes, patience), table)
            for peer in PEERS
            for mode in peer.modes
            if name in {"", peer.name}
        ]
        if name in {"", LITELLM}:
            fine.append(_try_proxy(infrastructure, orders, table))
    console.print(table)
    raise typer.Exit(0 if all(fine) else 1)


@dataclass(frozen=True)
class _Extent:
    """The amount of work for each peer."""

    orders: int
    processes: int
    patience: float


def _try_peer(peer: Subject, mode: str, infrastructure: Infrastructure, extent: _Extent, table: Table) -> bool:
    """Whether the peer finished all orders without problems."""
    own = Infrastructure(
        infrastructure.folder / f"{peer.name}-{mode}", infrastructure.settings, infrastructure.sandbox_url
    )
    with console.status(f"{peer.name}, {mode}"), peer.running(own, mode=mode, processes=extent.processes) as up:
        seconds = _work_off(up, extent.orders, extent.patience)
        finished, problems = up.finished(), up.problems()
    told = "; ".join(problems) or "none"
    table.add_row(peer.name, mode, str(extent.orders), str(finished), f"{seconds:.2f}", told)
    return finished == extent.orders and not problems


def _try_proxy(infrastructure: Infrastructure, orders: int, table: Table) -> bool:
    """Whether LiteLLM's proxy passed on creates and status reads."""
    with (
        console.status(LITELLM),
        SandboxClient(infrastructure.sandbox_url) as sandbox,
        litellm_proxy(infrastructure) as proxy,
    ):
        # The video never ends, so the sandbox encodes none.
        sandbox.add_scenario(Scenario(outcome="fail", seconds=3600))
        began = time.monotonic()
        with httpx.Client(headers=proxy.create.headers, timeout=30, trust_env=False) as http:
            created = [http.post(proxy.create.url, json=dict(proxy.create.body)) for _ in range(orders)]
            read = [http.get(proxy.status_url(answer.json()["id"])) for answer in created if answer.is_success]
        seconds = time.monotonic() - began
    passed = sum(answer.is_success and answer.json()["status"] in {"queued", "in_progress"} for answer in read)
    told = "none" if passed == orders else f"{orders - passed} creates or reads failed"
    table.add_row(LITELLM, "create and read", str(orders), str(passed), f"{seconds:.2f}", told)
    return passed == orders


@contextmanager
def _infrastructure() -> Iterator[Infrastructure]:
    """The services, and a sandbox that answers at once and has no limits."""
    with tempfile.TemporaryDirectory(prefix="reelworks-peers-") as folder:
        with console.status("starting PostgreSQL, Redis, S3 and the sandbox"):
            stack = Stack(Path(folder) / "stack", Settings(_env_file=None), only=("sandbox",))
        with stack, SandboxClient(stack.sandbox_url) as sandbox:
            sandbox.lift_limits()
            sandbox.add_scenario(Scenario(seconds=0, delivered=Delivered(width=64, height=64)))
            yield Infrastructure(Path(folder) / "peers", stack.settings, stack.sandbox_url)


def _work_off(up: Running, orders: int, patience: float) -> float:
    """Place the orders and wait for their end. Returns the seconds, at most `patience`."""
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
