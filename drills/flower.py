"""Makes many generations, and looks at Flower: does it list every stage of each, and where does its memory stop?

`python -m drills.flower` orders the models of the demo from the sandbox, in batches. After each batch it prints the
tasks that Flower knows and the memory of Flower's process. Flower forgets the oldest tasks beyond its bound, so the
stages are checked for the generations of the first batches, which are within it.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import httpx
import psutil
import typer
from pydantic import SecretStr
from rich.console import Console
from sqlalchemy import text

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.settings import Settings
from stack.demo import REQUESTS
from stack.stack import Stack
from stack.wiring import without_limits
from storage import customers, ledger
from storage.database import Database
from workers.roles import Role

console = Console()

STAGES: Final = frozenset({
    "generation.submit", "generation.wait", "generation.poll", "generation.download", "generation.store",
    "generation.settle",
})  # fmt: skip
"""The tasks of a generation that completes: its five stages, and the wait at the provider."""

_PROCESSES = {"gateway", "beat", "flower", "sandbox", *(f"worker-{role}" for role in Role)}
_CREDITS = 10**9
_LOGIN = ("drill", "of-this-run")
_SENDERS = 8
_FINISH_SECONDS = 300
_SHOWN_SECONDS = 30
_MIB = 1024**2
_ALL = 10**6


@dataclass(frozen=True)
class Reading:
    """Flower after a batch."""

    generations: int
    """The generations so far."""
    tasks: int
    """The tasks that Flower lists."""
    memory: float
    """The memory of Flower's process in MiB, without its share of what others use, too."""

    def show(self) -> None:
        """Print a line."""
        console.print(f"{self.generations:>8,} {self.tasks:>8,} {self.memory:>9.0f} MiB", highlight=False)


def main(
    generations: Annotated[int, typer.Option(min=1, help="generations in all")] = 1000,
    batch: Annotated[int, typer.Option(min=1, help="generations between two readings")] = 500,
    checked: Annotated[int, typer.Option(min=0, help="of so many, the first ones, every stage must be listed")] = 1000,
    keep: Annotated[bool, typer.Option(help="with the state file, which Flower writes every minute")] = True,
) -> None:
    """Order, read Flower after each batch, and check its lists. Exit with 1 if a stage of a generation is missing."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="reelworks-flower-")))
        state = {"REELWORKS_FLOWER_STATE_FILE": str(folder / "flower")} if keep else {}
        with console.status("starting the system"):
            # Without a login, Flower's API is closed.
            login = {"flower_basic_auth": SecretStr(":".join(_LOGIN))}
            settings = without_limits(Settings(_env_file=None).model_copy(update=login))
            stack = ends.enter_context(Stack(folder, settings, only=_PROCESSES, extra_env=state))
        sandbox = ends.enter_context(SandboxClient(stack.sandbox_url))
        sandbox.lift_limits()
        _let_work_be_small(sandbox)
        database = Database(stack.settings.database_url)
        ends.callback(database.dispose)
        shop = _Shop(stack, database)
        console.print("generations  tasks    memory")
        made: list[str] = []
        _read(stack, 0).show()
        missing: dict[str, set[str]] = {}
        while len(made) < generations:
            new = shop.order(min(batch, generations - len(made)))
            made += new
            if len(made) - len(new) < checked:
                missing |= _missing(stack, new)
            _read(stack, len(made)).show()
        _report(missing, min(checked, len(made)))


class _Shop:
    """Orders of one customer."""

    def __init__(self, stack: Stack, database: Database) -> None:
        self._url = f"{stack.gateway_url}/v1/generations"
        self._database = database
        with database.transaction() as session:
            customer = customers.create_customer(session, "flower")
            ledger.grant(session, customer.id, _CREDITS, reference="flower")
            self._headers = {"Authorization": f"Bearer {customers.create_api_key(session, customer.id)}"}

    def order(self, count: int) -> list[str]:
        """Order, wait for the ends, and return the ids."""
        with ThreadPoolExecutor(_SENDERS) as senders:
            made = list(senders.map(self._one, islice(cycle(REQUESTS.values()), count)))
        give_up_at = time.monotonic() + _FINISH_SECONDS
        while unfinished := self._count("wake_at IS NOT NULL"):
            if time.monotonic() > give_up_at:
                raise typer.BadParameter(f"{unfinished} generations are not finished after {_FINISH_SECONDS} s")
            time.sleep(0.5)
        if failed := self._count("stage <> 'completed'"):
            raise typer.BadParameter(f"{failed} generations did not complete")
        return made

    def _one(self, request: dict[str, object]) -> str:
        body = {**request, "prompt": f"a lighthouse {uuid4()}"}
        answer = httpx.post(self._url, json=body, headers=self._headers, timeout=60, trust_env=False)
        return str(answer.raise_for_status().json()["id"])

    def _count(self, condition: str) -> int:
        query = f"SELECT count(*) FROM generations WHERE {condition}"
        with self._database.transaction() as session:
            return int(session.execute(text(query)).scalar_one())


def _let_work_be_small(sandbox: SandboxClient) -> None:
    """Small files in a second: the drill is about tasks."""
    sandbox.add_scenario(
        Scenario(match=Match(), seconds=1, delivered=Delivered(width=64, height=64, duration_seconds=1))
    )


def _read(stack: Stack, generations: int) -> Reading:
    pid = stack.parts["flower"].pid
    memory = psutil.Process(pid).memory_full_info()
    return Reading(generations, len(_names(stack)), memory.uss / _MIB)


def _names(stack: Stack) -> dict[str, str]:
    """The name of each task that Flower lists, by its id."""
    address = f"{stack.flower_url}/api/tasks"
    answer = httpx.get(address, params={"limit": _ALL}, auth=_LOGIN, timeout=120, trust_env=False)
    tasks: dict[str, dict[str, str]] = answer.raise_for_status().json()
    return {task_id: task["name"] for task_id, task in tasks.items()}


def _missing(stack: Stack, generations: Sequence[str]) -> dict[str, set[str]]:
    """The stages that Flower does not list, by generation. The last events come with the next heartbeat."""
    give_up_at = time.monotonic() + _SHOWN_SECONDS
    while found := _unlisted(generations, _names(stack)):
        if time.monotonic() > give_up_at:
            break
        time.sleep(1)
    return found


def _unlisted(generations: Collection[str], names: dict[str, str]) -> dict[str, set[str]]:
    listed: dict[str, set[str]] = defaultdict(set)
    for task_id, name in names.items():
        listed[task_id.partition(".")[0]].add(name)
    return {each: set(STAGES - listed[each]) for each in generations if not listed[each] >= STAGES}


def _report(missing: dict[str, set[str]], checked: int) -> None:
    console.print(f"every stage and the wait are listed for {checked - len(missing)} of {checked} generations")
    for generation, stages in list(missing.items())[:10]:
        console.print(f"[red]{generation}: without {', '.join(sorted(stages))}[/red]")
    if missing:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
