"""Measures how fast the doors take orders and answer status reads.

No worker runs, so the rate is that of the door: each order is a committed row with a hold, and a wake-up in Redis.
Every sender is a different customer, like most simultaneous callers. Orders of a single customer queue at the
customer's ledger account; they have a separate case.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from celery import Celery
from sqlalchemy import text

from bench.figures.percentiles import percentiles
from bench.figures.results import Measure, Outcome, over_rounds
from bench.instruments.meter import Meter
from bench.load.drain import wait_for
from bench.load.senders import Load, Sender, place_at
from bench.progress import Steps
from bench.running_stack import (
    SANDBOX,
    SERVICES,
    RunningStack,
    durability,
    image_door,
    new_customer,
    process_ids,
    running_stack,
)
from bench.scenario import RunContext
from bench.subjects import installed_peers
from bench.subjects.protocols import Door, Infrastructure, Proxy
from bench.subjects.reelworks import NAME as REELWORKS
from intake.redis.request import Operation
from sandbox.scenarios import Scenario as Behaviour
from schemas.enums import Queue
from schemas.settings import Settings
from stack.errors import StackError
from storage.audit import rows
from workers.roles import Role

NAME = "doors"
CREATES, READS, ANSWER = "creates", "status reads", "answer"
LITELLM = "LiteLLM"

_SENDERS = 20
_PROCESSES = {"gateway", f"worker-{Role.REQUESTS}", SANDBOX}
_NO_LIMIT = 10**9


@dataclass(frozen=True)
class _Case:
    name: str
    subject: str
    what: str


class Doors:
    """Creates and status reads over HTTP, 20 at a time; creates over Redis."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure every door in every round, with one gateway process and one process at the Redis door."""
        count = 60 if context.quick else 2_000
        rounds: list[list[Outcome]] = []
        with (
            running_stack(context, only=_PROCESSES, settings=_settings()) as running,
            _proxy(context, running) as proxy,
            Steps(context, NAME, context.rounds) as steps,
        ):
            place_at(_doors(running), count // 10)
            if proxy is not None:
                place_at([proxy.create] * _SENDERS, count // 10)
            for number in range(1, context.rounds + 1):
                rounds.append([])
                for case, measured in _cases(running, proxy, count):
                    steps.begin(f"round {number}, {case.subject}, {case.name}")
                    rounds[-1].append(measured())
            outcomes = [over_rounds(same) for same in zip(*rounds, strict=True)]
            breaches = rows.check(running.database, rows.EVERYTHING).breaches
            outcomes[0].problems.extend(f"{breach.subject}: {breach.problem}" for breach in breaches)
            outcomes[0].notes.append(durability(running.database))
        return outcomes


@contextmanager
def _proxy(context: RunContext, running: RunningStack) -> Iterator[Proxy | None]:
    """Run LiteLLM's proxy beside Reelworks. Each is idle while the other is measured."""
    with ExitStack() as ends:
        try:
            folder = Path(tempfile.mkdtemp(prefix="litellm-", dir=context.folder))
            infrastructure = Infrastructure(folder, running.stack.settings, running.stack.sandbox_url)
            proxy = ends.enter_context(installed_peers.litellm(infrastructure)) if context.peers else None
        except (ImportError, StackError) as error:
            context.console.print(f"[yellow]no {LITELLM}[/yellow]: {error}", soft_wrap=True)
            proxy = None
        # An order without media costs the sandbox the least.
        running.sandbox.add_scenario(Behaviour(outcome="fail", seconds=3600))
        yield proxy


def _cases(running: RunningStack, proxy: Proxy | None, count: int) -> Iterator[tuple[_Case, Callable[[], Outcome]]]:
    pids = process_ids(running.stack)
    ours = {name: pid for name, pid in pids.items() if name in {*SERVICES, "gateway"}}
    at_once, status = f"HTTP, {_SENDERS} at once", f"status over HTTP, {_SENDERS} at once"
    cases = [
        _Case(at_once, REELWORKS, CREATES),
        _Case(f"HTTP, {_SENDERS} at once of one customer", REELWORKS, CREATES),
        _Case(status, REELWORKS, READS),
        _Case("Redis, one sender", REELWORKS, CREATES),
    ]
    yield cases[0], lambda: _creates(running, cases[0], _doors(running), ours, count)
    yield cases[1], lambda: _creates(running, cases[1], [running.door] * _SENDERS, ours, count)
    yield cases[2], lambda: _over_http(cases[2], [_status(door) for door in _doors(running)], ours, count)
    yield cases[3], lambda: _over_redis(running, cases[3], count)
    if proxy is not None:
        theirs = {LITELLM: proxy.pid, SANDBOX: pids[SANDBOX]}
        creates, reads = _Case(at_once, LITELLM, CREATES), _Case(status, LITELLM, READS)
        read = replace(proxy.create, url=proxy.status_url(_order(proxy.create)), method="GET")
        yield creates, lambda: _over_http(creates, [proxy.create] * _SENDERS, theirs, count)
        yield reads, lambda: _over_http(reads, [read] * _SENDERS, theirs, count)


def _settings() -> Settings:
    """Settings with a queue that never fills: no worker empties it, and an unsent wake-up costs an extra write."""
    settings = Settings(_env_file=None)
    pipeline = settings.pipeline.model_copy(update={"queue_target": _NO_LIMIT})
    return settings.model_copy(update={"pipeline": pipeline})


def _doors(running: RunningStack) -> list[Door]:
    """A door for each sender, each with a new customer."""
    return [image_door(running.stack, new_customer(running.database)[1]) for _ in range(_SENDERS)]


def _status(create: Door) -> Door:
    """Place an order and return the door for its status."""
    return replace(create, url=f"{create.url}/{_order(create)}", method="GET")


def _order(create: Door) -> str:
    """Place an order and return its id."""
    with Sender(create) as sender:
        return str(json.loads(sender.send())["id"])


def _creates(
    running: RunningStack, case: _Case, doors: Sequence[Door], parts: Mapping[str, int], count: int
) -> Outcome:
    before = _orders(running)
    outcome = _over_http(case, doors, parts, count)
    made = _orders(running) - before
    outcome.problems.extend([] if made == count else [f"{made} orders are there, not {count}"])
    return outcome


def _over_http(case: _Case, doors: Sequence[Door], parts: Mapping[str, int], count: int) -> Outcome:
    with Load(doors, count) as load, Meter({**parts, "load": load.pid}) as meter:
        began = time.perf_counter()
        load.go()
        latencies = load.latencies()
        seconds = time.perf_counter() - began
    return Outcome(
        scenario=NAME,
        case=case.name,
        subject=case.subject,
        measures=[Measure(what=case.what, unit="/s", values=[count / seconds]), *percentiles(ANSWER, latencies)],
        parts=meter.use(),
    )


def _over_redis(running: RunningStack, case: _Case, count: int) -> Outcome:
    """Send orders with a Celery client at full speed. The time ends when all orders are rows."""
    settings, before = running.stack.settings, _orders(running)
    customers = [str(new_customer(running.database)[0]) for _ in range(_SENDERS)]
    parts = {name: pid for name, pid in process_ids(running.stack).items() if name != "gateway"}
    with Celery(broker=settings.redis_url) as client, Meter(parts) as meter:
        began = time.perf_counter()
        for number in range(count):
            _send(client, customers[number % len(customers)])
        sent = time.perf_counter() - began
        arrived = wait_for(lambda: _orders(running) - before, count)
    missing = count - (_orders(running) - before)
    seconds = (arrived or time.perf_counter()) - began
    return Outcome(
        scenario=NAME,
        case=case.name,
        subject=case.subject,
        measures=[
            Measure(what=CREATES, unit="/s", values=[(count - missing) / seconds]),
            Measure(what="sent", unit="/s", values=[count / sent]),
        ],
        parts=meter.use(),
        problems=[f"{missing} of {count} orders did not arrive"] if missing else [],
    )


def _send(client: Celery, customer_id: str) -> None:
    client.send_task(
        Operation.ENQUEUE.value,
        queue=Queue.REQUESTS.value,
        kwargs={"customer_id": customer_id, "request": {"model": "nano-banana", "prompt": "a lighthouse in fog"}},
        argsrepr="()",
        kwargsrepr="(hidden)",
    )


def _orders(running: RunningStack) -> int:
    with running.database.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM generations")).scalar_one())
