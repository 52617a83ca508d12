"""Measures many generations that wait for their vendor: their cost, and how soon due ones are polled.

The generations are inserted in bulk with the vendor's ids. The sandbox adopts the ids: it answers that each task runs,
and records the time of reads. The time from due to polled therefore ends when the call arrives at the vendor.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from bench.figures.percentiles import percentiles
from bench.figures.results import Measure, Outcome, over_rounds
from bench.instruments.meter import Meter, memory_mib
from bench.instruments.waker_plan import Plan, explain
from bench.load.drain import wait_for
from bench.load.population import REMOTE_ID_PREFIX, Population
from bench.progress import Steps
from bench.running_stack import SERVICES, RunningStack, durability, process_ids, running_stack
from bench.scenario import RunContext
from bench.subjects.reelworks import NAME as REELWORKS
from schemas.settings import Settings
from stack.processes import Process, application_processes
from storage.audit import rows
from storage.database import Database
from workers.roles import Role

NAME = "waiting"
LATENCY, WAKER, QUERY, GROWTH = "due → polled", "waker's process", "waker's query", "most growth of a process"

_COUNTS = (10_000, 100_000, 1_000_000)
_DUE_A_SECOND = 200.0
_PLANS = 5
# Each generation is polled once: its next poll comes after the last round.
_NEXT_POLL_SECONDS = 7200.0
_PROVIDER_PROCESSES = 2

_WAKER_PART = f"worker-{Role.CONTROL}"


@dataclass(frozen=True)
class _Size:
    """The lengths of the windows, in seconds."""

    counts: tuple[int, ...]
    still_seconds: float
    due_seconds: float


class Waiting:
    """10,000, 100,000 and 1,000,000 waiting generations, with nothing due and with 200 due every second."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure one system and fill its database further from case to case. Each case has several windows."""
        size = _Size((2_000,), 3, 3) if context.quick else _Size(_COUNTS, 30, 30)
        outcomes = []
        with (
            running_stack(context, settings=_settings(), processes=_processes) as running,
            Steps(context, NAME, len(size.counts) * (1 + 2 * context.rounds)) as steps,
        ):
            running.sandbox.adopt(REMOTE_ID_PREFIX)
            population = Population.of(running.stack.settings)
            for count in size.counts:
                outcomes += _measure(running, population, count, size, steps, rounds=context.rounds)
            outcomes[-1].problems.extend(_audited(running.database))
            outcomes[-1].notes.append(durability(running.database))
        return outcomes


def _settings() -> Settings:
    settings = Settings(_env_file=None)
    pipeline = settings.pipeline.model_copy(update={"poll_with_callback_seconds": _NEXT_POLL_SECONDS})
    return settings.model_copy(update={"pipeline": pipeline, "log_format": "json"})


def _processes(settings: Settings) -> list[Process]:
    """The processes of `reelworks up`, with a second provider process: one polls less than 200 times a second."""
    more = ("--processes", str(_PROVIDER_PROCESSES))
    return [
        replace(process, argv=(*process.argv, *more)) if process.name == f"worker-{Role.PROVIDER}" else process
        for process in application_processes(settings)
    ]


def _measure(
    running: RunningStack, population: Population, count: int, size: _Size, steps: Steps, *, rounds: int
) -> list[Outcome]:
    steps.begin(f"filling the database up to {count:,}")
    population.grow(count, lambda there: steps.show(f"{there:,} there"))
    still, due = [], []
    for number in range(1, rounds + 1):
        steps.begin(f"{count:,} wait, round {number}, nothing is due")
        still.append(_while_nothing_is_due(running, f"{count:,} wait, none due", size.still_seconds))
        steps.begin(f"{count:,} wait, round {number}, {_DUE_A_SECOND:g} a second are due")
        due.append(_while_many_are_due(running, population, f"{count:,} wait, {_DUE_A_SECOND:g}/s due", size))
    # One plan and one list of memories for each case are enough.
    return [over_rounds(same).model_copy(update={"notes": same[-1].notes}) for same in (still, due)]


def _while_nothing_is_due(running: RunningStack, case: str, seconds: float) -> Outcome:
    window = _Window(running)
    with window:
        time.sleep(seconds)
        plans = window.plans()
    return window.outcome(case, [], plans)


def _while_many_are_due(running: RunningStack, population: Population, case: str, size: _Size) -> Outcome:
    count = round(_DUE_A_SECOND * size.due_seconds)
    due = population.make_due(count, rate=_DUE_A_SECOND, after=1)
    window = _Window(running)
    with window:
        time.sleep(1 + size.due_seconds / 2)
        # The middle of the window: as many generations are due as at any other time.
        plans = window.plans()
        wait_for(lambda: count - _still_due(running.database), count)
    seconds = _latencies(running, due)
    missing = count - len(seconds)
    outcome = window.outcome(case, percentiles(LATENCY, seconds, unit="s"), plans)
    outcome.notes.append(_shown(_median(plans)))
    outcome.measures.append(Measure(what="polled", unit="", values=[len(seconds)]))
    outcome.problems.extend([f"{missing} of {count} due generations were not polled"] if missing else [])
    return outcome


class _Window:
    """A stretch of time, with the use of every part."""

    def __init__(self, running: RunningStack) -> None:
        self._running = running
        self._parts = process_ids(running.stack)
        self._meter = Meter(self._parts)
        self._memory: list[Mapping[str, float]] = []
        self._seconds = 0.0

    def __enter__(self) -> None:
        self._memory.append(memory_mib(self._parts))
        self._meter.__enter__()
        self._seconds -= time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds += time.perf_counter()
        self._meter.__exit__(None, None, None)
        self._memory.append(memory_mib(self._parts))

    def plans(self) -> list[Plan]:
        """Execute the waker's query a few times while the window is open, and return the plans."""
        pipeline = self._running.stack.settings.pipeline
        plans = []
        for _ in range(_PLANS):
            plans.append(explain(self._running.database, pipeline))
            time.sleep(0.2)
        return plans

    def outcome(self, case: str, latencies: list[Measure], plans: list[Plan]) -> Outcome:
        """The outcome of the window. Call this after the window."""
        use = self._meter.use()
        cores = {part.part: part.cpu_seconds[0] / self._seconds for part in use}
        first, last = self._memory
        growth = {part: last[part] - first[part] for part in last}
        return Outcome(
            scenario=NAME,
            case=case,
            subject=REELWORKS,
            measures=[
                *latencies,
                Measure(what=WAKER, unit="% of a core", values=[100 * cores[_WAKER_PART]]),
                Measure(what="all processes", unit="% of a core", values=[100 * sum(cores.values())]),
                Measure(what=QUERY, unit="ms", values=[_median(plans).milliseconds]),
                Measure(what=GROWTH, unit="MiB", values=[max(growth[part] for part in growth if part not in SERVICES)]),
                Measure(what="memory of all", unit="MiB", values=[sum(last.values())]),
            ],
            parts=use,
            notes=[
                f"memory in {self._seconds:.0f} s, MiB: "
                + ", ".join(f"{part} {first[part]:.1f} → {last[part]:.1f}" for part in last)
            ],
        )


def _median(plans: Sequence[Plan]) -> Plan:
    return sorted(plans, key=lambda plan: plan.milliseconds)[len(plans) // 2]


def _shown(plan: Plan) -> str:
    """The plan for the page."""
    return "\n".join([f"The plan of the {QUERY}, {plan.milliseconds:.1f} ms:", "", "```", *plan.lines, "```", ""])


def _still_due(database: Database) -> int:
    """The number of generations with a wake-up within half an hour: those were not polled."""
    with database.transaction() as session:
        query = text("SELECT count(*) FROM generations WHERE wake_at < now() + interval '30 minutes'")
        return int(session.execute(query).scalar_one())


def _latencies(running: RunningStack, due: Mapping[UUID, datetime]) -> list[float]:
    """Seconds from each due wake-up to the arrival of its poll at the vendor. Missing polls are left out."""
    polled = {task.task_id: task.polled_at for task in running.sandbox.tasks(REMOTE_ID_PREFIX)}
    arrivals = ((polled.get(f"{REMOTE_ID_PREFIX}{name}"), at.timestamp()) for name, at in due.items())
    return [arrived - at for arrived, at in arrivals if arrived is not None and arrived >= at]


def _audited(database: Database) -> list[str]:
    """The audit's findings in the rows."""
    return [f"{breach.subject}: {breach.problem}" for breach in rows.check(database, rows.EVERYTHING).breaches]
