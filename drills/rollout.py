"""Deploys this version over an earlier one under load, and checks that nothing is lost, failed or paid twice.

The earlier version comes from git into a separate folder. It runs on the new schema with this environment's libraries.
The steps are those of a real deploy: new workers beside the old ones, SIGTERM to the old ones, a new gateway.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import httpx
import psutil
import typer
from rich.console import Console
from sqlalchemy import text

from cli.reports.audit import run_audit
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.settings import Settings
from stack.processes import ApplicationProcess, Process
from stack.stack import Stack
from stack.wiring import without_limits
from storage import customers, ledger
from storage.database import Database

console = Console()

_VERSIONS = "storage/migrations/versions"
_SENDERS = 4
_FINISH_SECONDS = 180
_CREDITS = 10**9
_TINY = Delivered(width=64, height=64)

# The command in another folder: Python imports modules from the folder in which it starts.
_START_IN = "import os, sys; os.chdir(sys.argv[1]); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"


def main(
    base: Annotated[str, typer.Option(help="revision to deploy over; default: the newest older schema")] = "",
    seconds: Annotated[float, typer.Option(min=1, help="length of each phase")] = 6,
    rate: Annotated[float, typer.Option(min=0.1, help="orders a second")] = 6,
) -> None:
    """Deploy under load, print the orders' outcomes, and audit."""
    settings = Settings(_env_file=None)
    # During the gateway's exchange callbacks are lost. A poll finds those results.
    pipeline = settings.pipeline.model_copy(update={"poll_with_callback_seconds": 5.0})
    settings = settings.model_copy(update={"pipeline": pipeline})
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="reelworks-rollout-")))
        old = Version("old", ends.enter_context(checked_out(base or older_schema(), folder / "base")))
        with console.status("starting the services"):
            stack = ends.enter_context(Stack(folder / "run", without_limits(settings), only={"sandbox"}))
        rollout = Rollout(stack, ends, old=old, new=Version("new", Path.cwd()))
        problems = rollout.run(seconds=seconds, rate=rate)
        for problem in problems:
            console.print(f"[red]{problem}[/red]", soft_wrap=True)
        if not run_audit(stack.settings, console) or problems:
            raise typer.Exit(1)


def older_schema() -> str:
    """The newest commit with an older newest migration than ours. Without one, the commit before the last."""
    ours = max(path.name for path in Path(_VERSIONS).glob("[0-9]*.py"))
    for commit in _git("log", "--format=%H").split():
        theirs = _git("ls-tree", "--name-only", commit, f"{_VERSIONS}/").split()
        if theirs and max(Path(name).name for name in theirs) < ours:
            return commit
    return "HEAD~1"


@contextmanager
def checked_out(revision: str, folder: Path) -> Iterator[Path]:
    """The files of a revision in a folder. The folder is deleted after the block."""
    _git("worktree", "add", "--quiet", "--detach", str(folder), revision)
    try:
        console.print(f"from {_git('log', '-1', '--format=%h %s', revision).strip()}", highlight=False)
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Version:
    """The code of a version."""

    name: str
    """The name in the output."""
    folder: Path
    """The folder with the code."""

    def process(self, stack: Stack, command: str, ready_url: str | None = None) -> ApplicationProcess:
        """A process of this version in a running system."""
        argv = (sys.executable, "-c", _START_IN, str(self.folder), "-m", "cli", command)
        env = {"PYTHONPATH": str(self.folder)}
        process = Process(f"{self.name}-{command}", argv, env, ready_url=ready_url, stop_seconds=60)
        return ApplicationProcess(process, stack.folder / "logs", {**os.environ, **stack.env})


@dataclass
class Orders:
    """Orders at a steady rate over HTTP. Each is repeated with its idempotency key until it is taken."""

    url: str
    """The URL of the door."""
    headers: Mapping[str, str]
    """The headers of an order."""
    rate: float
    """Orders a second."""
    taken: list[str] = field(default_factory=list)
    """The ids of accepted generations."""
    retries: int = 0
    """The number of repeated requests."""

    @contextmanager
    def coming_in(self) -> Iterator[None]:
        """Order until the block ends."""
        over = threading.Event()
        with ThreadPoolExecutor(_SENDERS) as senders:
            sending = [senders.submit(self._send, number, over) for number in range(_SENDERS)]
            try:
                yield
            finally:
                over.set()
        for sender in sending:
            sender.result()

    def _send(self, sender: int, over: threading.Event) -> None:
        with httpx.Client(base_url=self.url, headers=self.headers, timeout=30, trust_env=False) as http:
            number = 0
            while not over.wait(_SENDERS / self.rate):
                number += 1
                pace = "slow" if sender == 0 else "quick"
                self.taken.append(self._order(http, f"{pace} lighthouse {number}"))

    def _order(self, http: httpx.Client, prompt: str) -> str:
        body = {"model": "nano-banana", "prompt": prompt}
        key = {"Idempotency-Key": str(uuid4())}
        while True:
            try:
                answer = http.post("/v1/generations", json=body, headers=key)
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return str(answer.raise_for_status().json()["id"])
            except httpx.TransportError:
                pass
            # The gateway is being replaced.
            self.retries += 1
            time.sleep(0.2)


class Rollout:
    """A deploy of one version over another, under load."""

    def __init__(self, stack: Stack, ends: ExitStack, *, old: Version, new: Version) -> None:
        self._stack = stack
        self._ends = ends
        self._old = old
        self._new = new
        self._database = Database(stack.settings.database_url)
        ends.callback(self._database.dispose)
        self._sandbox = ends.enter_context(SandboxClient(stack.sandbox_url))
        self._sandbox.lift_limits()
        self._sandbox.add_scenario(Scenario(seconds=1, delivered=_TINY))
        # Long enough to be in progress when the worker receives SIGTERM.
        slow = Match(prompt_contains="slow")
        self._sandbox.add_scenario(Scenario(seconds=1, bytes_per_second=1000, delivered=_TINY, match=slow))

    def run(self, *, seconds: float, rate: float) -> list[str]:
        """Deploy. Returns the problems, as text."""
        gateway, workers, beat = (self._start(self._old, name) for name in ("gateway", "worker", "beat"))
        orders = Orders(self._stack.gateway_url, self._api_key(), rate)
        with orders.coming_in():
            self._until("the old version works", lambda: self._count("wake_at IS NULL") > 0)
            self._phase("old alone", seconds)
            new_workers = self._start(self._new, "worker")
            self._until("new workers take part", lambda: self._count_of(new_workers) > 0)
            self._phase("side by side", seconds)
            self._stop(workers)
            self._phase("old workers gone", seconds)
            self._stop(gateway)
            self._start(self._new, "gateway")
            self._stop(beat)
            self._start(self._new, "beat")
            self._phase("new alone", seconds)
        self._until("everything is finished", lambda: self._count("wake_at IS NOT NULL") == 0)
        return [*self._print(orders, self._count_of(new_workers)), *self._problems(orders)]

    def _api_key(self) -> dict[str, str]:
        with self._database.transaction() as session:
            customer = customers.create_customer(session, "rollout")
            ledger.grant(session, customer.id, _CREDITS, reference="rollout")
            return {"Authorization": f"Bearer {customers.create_api_key(session, customer.id)}"}

    def _start(self, version: Version, command: str) -> ApplicationProcess:
        ready_url = f"{self._stack.gateway_url}/readyz" if command == "gateway" else None
        process = version.process(self._stack, command, ready_url)
        self._ends.callback(process.stop)
        process.start()
        process.wait_until_ready()
        return process

    def _stop(self, process: ApplicationProcess) -> None:
        began = time.monotonic()
        process.stop()
        console.print(f"  {process.name} ended {time.monotonic() - began:.1f} s after SIGTERM")

    def _phase(self, name: str, seconds: float) -> None:
        time.sleep(seconds)
        finished, unfinished = self._count("wake_at IS NULL"), self._count("wake_at IS NOT NULL")
        console.print(f"{name:<20} {finished:5} finished, {unfinished:3} in flight")

    def _until(self, what: str, is_so: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + _FINISH_SECONDS
        while not is_so():
            if time.monotonic() > give_up_at:
                raise typer.BadParameter(
                    f"not within {_FINISH_SECONDS} s: {what}; the logs are in {self._stack.folder}"
                )
            time.sleep(0.2)

    def _count(self, condition: str) -> int:
        with self._database.transaction() as session:
            query = text(f"SELECT count(*) FROM generations WHERE {condition}")
            return int(session.execute(query).scalar_one())

    def _count_of(self, workers: ApplicationProcess) -> int:
        """The number of generations last claimed by these workers. Earlier versions do not record the holder."""
        if workers.pid is None:
            return 0
        pids = ", ".join(f"'{child.pid}'" for child in psutil.Process(workers.pid).children())
        return self._count(f"split_part(holder, '#', 2) IN ({pids or 'NULL'})")

    def _print(self, orders: Orders, by_new: int) -> list[str]:
        by_old = self._count("true") - by_new
        console.print(f"{len(orders.taken)} orders taken, {orders.retries} tries while the gateway was exchanged")
        console.print(f"last worked on by: old version {by_old}, new version {by_new}")
        return [] if by_new and by_old else ["one of the versions did nothing: give the phases more time"]

    def _problems(self, orders: Orders) -> list[str]:
        with self._database.transaction() as session:
            query = text("SELECT id::text, stage, error_code FROM generations")
            found = {row.id: row for row in session.execute(query)}
        lost = [order for order in orders.taken if order not in found]
        failed = [f"{row.id} is {row.stage}: {row.error_code}" for row in found.values() if row.stage != "completed"]
        accepted = self._sandbox.requests().accepted
        return [
            *(f"{order} was taken and is not there" for order in lost),
            *failed,
            *([] if accepted == len(found) else [f"{accepted} accepted creates for {len(found)} generations"]),
        ]


if __name__ == "__main__":
    typer.run(main)
