"""How many generations a second one machine takes from request to settled credits, and how long each takes.

The whole system runs as in the demo, with the sandbox as its vendor; images are tiny and take no time to generate, so
what is measured is Reelworks: gateway, PostgreSQL, Redis, workers and object store.
"""

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import text

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Scenario
from schemas.settings import Settings
from stack.report import run_audit
from stack.stack import Stack
from storage import customers, ledger
from storage.database import Database

console = Console()

_SENDERS = 8


def main(
    count: Annotated[int, typer.Option(min=1, help="generations to make")] = 300,
    callbacks: Annotated[bool, typer.Option(help="let the vendor call back; otherwise poll")] = True,
) -> None:
    """Measure, print, and audit what was made."""
    settings = Settings(_env_file=None)
    kie = settings.providers.kie.model_copy(update={"callbacks": callbacks})
    settings = settings.model_copy(update={"providers": settings.providers.model_copy(update={"kie": kie})})
    with ExitStack() as ends:
        folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="reelworks-bench-"))
        with console.status("starting the system"):
            stack = ends.enter_context(Stack(Path(folder), settings))
        _measure(stack, count)
        if not run_audit(stack.settings, console):
            raise typer.Exit(1)


def _measure(stack: Stack, count: int) -> None:
    with SandboxClient(stack.sandbox_url) as sandbox:
        sandbox.set_limits(creates_per_10_seconds=10**9, reads_per_second=10**9)
        sandbox.add_scenario(Scenario(seconds=0, delivered=Delivered(width=64, height=64)))
    database = Database(stack.settings.database_url)
    key = _customer(database, count)
    began = time.monotonic()
    _submit(stack.gateway_url, key, count)
    accepted_seconds = time.monotonic() - began
    _wait(database, count)
    finished_seconds = time.monotonic() - began
    latencies = _latencies(database)
    database.dispose()
    console.print(f"{count} generations, {_SENDERS} senders")
    console.print(f"  accepted   {count / accepted_seconds:8.1f} /s")
    console.print(f"  completed  {count / finished_seconds:8.1f} /s")
    p50, p95 = statistics.median(latencies), statistics.quantiles(latencies, n=20)[-1]
    console.print(f"  accepted to completed: median {p50:.2f} s, 95th percentile {p95:.2f} s")


def _customer(database: Database, count: int) -> str:
    with database.transaction() as session:
        customer = customers.create_customer(session, "bench")
        ledger.grant(session, customer.id, 100 * count, reference="bench")
        return customers.create_api_key(session, customer.id)


def _submit(gateway_url: str, key: str, count: int) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=gateway_url, headers=headers, timeout=30, trust_env=False) as http:

        def send(number: int) -> None:
            body = {"model": "nano-banana", "prompt": f"lighthouse {number}"}
            http.post("/v1/generations", json=body).raise_for_status()

        with ThreadPoolExecutor(_SENDERS) as senders:
            list(senders.map(send, range(count)))


def _wait(database: Database, count: int) -> None:
    columns = (TextColumn("completing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("completed", total=count)
        done = 0
        while done < count:
            time.sleep(0.2)
            with database.transaction() as session:
                done = session.execute(text("SELECT count(*) FROM generations WHERE wake_at IS NULL")).scalar_one()
            progress.update(task, completed=done)


def _latencies(database: Database) -> list[float]:
    query = text("SELECT extract(epoch FROM finished_at - created_at) FROM generations WHERE stage = 'completed'")
    with database.transaction() as session:
        return [float(seconds) for seconds in session.scalars(query)]


if __name__ == "__main__":
    typer.run(main)
