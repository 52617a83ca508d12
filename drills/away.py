"""Takes a provider away for a minute under load, and checks that no order is lost, failed or paid twice.

One model has a second route, which serves its orders meanwhile. The other model has none: its orders wait.
"""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import httpx
import typer
from rich.console import Console
from sqlalchemy import text

from cli.reports.audit import run_audit
from drills.chaos.network.proxy import HOST, Proxy
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Scenario
from schemas.enums import ErrorCode
from schemas.settings import Settings
from stack.stack import Stack
from stack.wiring import with_free_ports, without_limits
from storage import customers, ledger, routes
from storage.database import Database
from storage.sql import of
from workers.roles import Role

console = Console()

# Kie serves both; Runway serves the first one, too.
_MODELS = ("seedream-5-lite", "nano-banana")
_PROCESSES = {"gateway", "beat", "sandbox", *(f"worker-{role}" for role in Role)}
_CREDITS = 10**9
_FINISH_SECONDS = 180
_BEFORE_SECONDS = 10.0

_OUTCOMES = """
    SELECT model, provider, stage, error_code, count(*) AS number,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median, max(seconds) AS longest
    FROM (SELECT *, extract(epoch FROM finished_at - created_at)::float8 AS seconds FROM generations) AS ended
    GROUP BY model, provider, stage, error_code ORDER BY model, provider, stage
"""


def main(
    seconds: Annotated[float, typer.Option(min=1, help="how long Kie is away")] = 60,
    rate: Annotated[float, typer.Option(min=0.1, help="orders a second")] = 4,
) -> None:
    """Take Kie away under load, print the outcomes and the breakers' timeline, and audit."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="reelworks-away-")))
        settings = with_free_ports(without_limits(Settings(_env_file=None)))
        kie = ends.enter_context(Proxy()).link("kie", settings.sandbox.port)
        address = {"REELWORKS_PROVIDERS__KIE__BASE_URL": f"http://{HOST}:{kie.port}/kie"}
        with console.status("starting the system"):
            stack = ends.enter_context(Stack(folder, settings, only=_PROCESSES, free_ports=False, extra_env=address))
        sandbox = ends.enter_context(SandboxClient(stack.sandbox_url))
        sandbox.lift_limits()
        sandbox.add_scenario(Scenario(seconds=1, delivered=Delivered(width=64, height=64)))
        database = Database(stack.settings.database_url)
        ends.callback(database.dispose)
        orders = Orders(stack.gateway_url, _headers(database), rate)
        began = time.time()
        with orders.coming_in():
            time.sleep(_BEFORE_SECONDS)
            with kie.refused():
                time.sleep(seconds)
            time.sleep(_BEFORE_SECONDS)
        _until_finished(database, stack)
        problems = _report(database, orders, accepted=sandbox.requests().accepted, began=began)
        for problem in problems:
            console.print(f"[red]{problem}[/red]", soft_wrap=True)
        if not run_audit(stack.settings, console) or problems:
            raise typer.Exit(1)


@dataclass
class Orders:
    """Orders at a steady rate over HTTP, of both models in turn."""

    url: str
    """The URL of the door."""
    headers: dict[str, str]
    """The headers of an order."""
    rate: float
    """Orders a second."""
    taken: list[str] = field(default_factory=list)
    """The ids of accepted generations."""

    @contextmanager
    def coming_in(self) -> Iterator[None]:
        """Order until the block ends."""
        over = threading.Event()
        thread = threading.Thread(target=self._send, args=(over,), name="orders")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _send(self, over: threading.Event) -> None:
        with httpx.Client(base_url=self.url, headers=self.headers, timeout=30, trust_env=False) as http:
            while not over.wait(1 / self.rate):
                body = {"model": _MODELS[len(self.taken) % len(_MODELS)], "prompt": f"a lighthouse {uuid4()}"}
                self.taken.append(str(http.post("/v1/generations", json=body).raise_for_status().json()["id"]))


def _headers(database: Database) -> dict[str, str]:
    with database.transaction() as session:
        customer = customers.create_customer(session, "away")
        ledger.grant(session, customer.id, _CREDITS, reference="away")
        return {"Authorization": f"Bearer {customers.create_api_key(session, customer.id)}"}


def _until_finished(database: Database, stack: Stack) -> None:
    give_up_at = time.monotonic() + _FINISH_SECONDS
    while _unfinished(database):
        if time.monotonic() > give_up_at:
            raise typer.BadParameter(f"not finished within {_FINISH_SECONDS} s; the logs are in {stack.folder}")
        time.sleep(0.5)


def _unfinished(database: Database) -> int:
    with database.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM generations WHERE wake_at IS NOT NULL")).scalar_one())


def _report(database: Database, orders: Orders, *, accepted: int, began: float) -> list[str]:
    """Print what happened. Returns the problems, as text."""
    with database.transaction() as session:
        rows = session.execute(text(_OUTCOMES)).all()
        changes = routes.changes(of(session), name=None, most=1000)[::-1]
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row.error_code or row.stage] += row.number
        console.print(
            f"{row.model:<16} {row.provider:<7} {row.stage} {row.error_code or ''} {row.number}, "
            f"median {row.median:.1f} s, longest {row.longest:.1f} s",
            highlight=False,
        )
    for change in changes:
        at = change.at.timestamp() - began
        console.print(f"{at:7.1f} s  {change.provider}/{change.vendor_model}: {change.state}", highlight=False)
    # A create that was under way when the connection broke has an unknown outcome, and is never sent again.
    completed, unknown = counts.pop("completed", 0), counts.pop(ErrorCode.SUBMIT_OUTCOME_UNKNOWN, 0)
    lost = len(orders.taken) - completed - unknown - counts.total()
    return [
        *([f"{lost} orders were taken and are not there"] if lost else []),
        *(f"{count} generations ended with {outcome}" for outcome, count in counts.items()),
        *([] if completed <= accepted <= completed + unknown else [f"{accepted} creates for {completed} results"]),
        *([] if any(change.state == "closed" for change in changes) else ["no breaker opened and closed"]),
    ]


if __name__ == "__main__":
    typer.run(main)
