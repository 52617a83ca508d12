"""Measures the admission to a provider account: 20 customers order more than the vendor takes, one of them most of it.

The sandbox has the vendor's real limits. The measures:

- refused creates: by the sandbox's count;
- use: of the limit that is met first, over the time in which any order waited;
- in flight, in 10 s: the most tasks at once and the most creates within ten seconds, by the sandbox's count;
- wait: of the small customer who waited longest, from the answer to the POST until the vendor had the create;
- p95 of its bound: a small customer's p95, as a part of the fluid fair queue's p95 times a factor and one service time.
  The worst of all small customers.
"""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from sqlalchemy import text

from bench.fairness.cost import costs
from bench.fairness.crowd import Crowd
from bench.fairness.faults import Faults
from bench.fairness.occupancy import used
from bench.fairness.orders import CUSTOMERS, PlannedOrder, length_word, lengths, plan
from bench.fairness.vendors import VENDORS, Vendor
from bench.fairness.waits import CustomerWaits, small, waits
from bench.figures.results import GENERATIONS, Measure, Outcome, over_rounds
from bench.instruments.meter import Meter
from bench.load.drain import wait_for
from bench.progress import Steps
from bench.running_stack import RunningStack, durability, new_customer, process_ids, running_stack
from bench.scenario import RunContext
from bench.subjects.reelworks import NAME as REELWORKS
from bench.subjects.reelworks import problems, with_workers, without
from sandbox.control_models import TaskReport
from sandbox.scenarios import Match
from sandbox.scenarios import Scenario as Behaviour
from stack.processes import application_processes
from storage.database import Database

NAME = "admission"
REFUSED, USE = "refused creates", "use"
IN_FLIGHT, IN_WINDOW = "in flight", "in 10 s"
P50, P95, BOUND = "wait p50", "wait p95", "p95 of its bound"

_ORDERS, _FEW_ORDERS = 2000, 120
# The wait of a small customer may be so many times that of the fluid queue, and one service time more.
_FACTOR, _FACTOR_WITH_FAULTS = 1.3, 2.0
# As in production: one is killed, and the other goes on.
_WORKERS_WITH_FAULTS = 2
_ORDER = re.compile(r"order (\d+)\.")


class Admission:
    """One vendor after another, with its real limits."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure each vendor in each round, each on a new system. Then measure the cost of a decision."""
        chosen = [VENDORS[context.vendor]] if context.vendor else list(VENDORS.values())
        with Steps(context, NAME, len(chosen) * context.rounds) as steps:
            outcomes = [
                over_rounds([_measured(context, vendor, seed, steps) for seed in range(1, context.rounds + 1)])
                for vendor in chosen
            ]
            return outcomes if context.vendor else [*outcomes, costs(context, NAME)]


def _measured(context: RunContext, vendor: Vendor, seed: int, steps: Steps) -> Outcome:
    work = context.work_seconds or (vendor.work_seconds / 5 if context.quick else vendor.work_seconds)
    count = context.orders or (_FEW_ORDERS if context.quick else _ORDERS)
    orders = plan(count, mean_seconds=work, a_second=vendor.a_second(work), seed=seed)
    steps.begin(f"{vendor.name}, {count} orders, round {seed}")
    workers = _WORKERS_WITH_FAULTS if context.faults else 1
    with running_stack(
        context,
        settings=vendor.settings(),
        limits=True,
        processes=lambda settings: without({"flower"}, with_workers(application_processes(settings), workers)),
    ) as running:
        for seconds in lengths(work):
            running.sandbox.add_scenario(
                Behaviour(
                    match=Match(prompt_contains=length_word(seconds)), seconds=seconds, delivered=vendor.delivered
                )
            )
        return _Run(context, vendor, running, orders, work).outcome(seed, steps)


class _Run:
    """The orders of one vendor on a running system."""

    def __init__(
        self, context: RunContext, vendor: Vendor, running: RunningStack, orders: Sequence[PlannedOrder], work: float
    ) -> None:
        self._context = context
        self._vendor = vendor
        self._running = running
        self._orders = orders
        self._work = work

    def outcome(self, seed: int, steps: Steps) -> Outcome:
        """Place the orders, wait for their ends, and measure."""
        keys = [new_customer(self._running.database)[1] for _ in range(CUSTOMERS)]
        crowd = Crowd(self._running.stack.gateway_url, keys, self._vendor.order)
        with ExitStack() as ends:
            meter = ends.enter_context(Meter(process_ids(self._running.stack)))
            faults = ends.enter_context(Faults(self._running.stack, seed)) if self._context.faults else None
            began = time.perf_counter()
            accepted = crowd.place(self._orders)
            ended = wait_for(lambda: _ended(self._running.database), len(self._orders), report=steps.show)
            seconds = (ended or time.perf_counter()) - began
        tasks = self._running.sandbox.tasks()
        found = waits(self._orders, accepted, _created(tasks), self._vendor)
        return Outcome(
            scenario=NAME,
            case=f"{self._vendor.name}{', with faults' if faults else ''}",
            subject=REELWORKS,
            measures=self._measures(accepted, tasks, found),
            parts=meter.use(),
            notes=self._notes(found, seconds, faults),
            problems=self._problems(tasks, is_over=ended is not None),
        )

    def _measures(
        self, accepted: Mapping[int, float], tasks: Sequence[TaskReport], found: Sequence[CustomerWaits]
    ) -> list[Measure]:
        requests, peaks = self._running.sandbox.requests(), self._running.sandbox.peaks()
        creates = requests.accepted + requests.refused
        created = _created(tasks)
        busy = [(task.created_at, self._place_ends(task)) for task in tasks]
        waiting = [(at, created[number]) for number, at in accepted.items() if created.get(number, at) > at]
        others = small(found)
        return [
            Measure(what=REFUSED, unit="%", values=[100 * requests.refused / max(1, creates)]),
            Measure(what=USE, unit="%", values=[100 * used(busy, waiting, self._vendor.places)]),
            Measure(what=IN_FLIGHT, unit="", values=[peaks.in_flight]),
            Measure(what=IN_WINDOW, unit="", values=[peaks.creates_in_window]),
            Measure(what=P50, unit="s", values=[max((each.p50 for each in others), default=0.0)]),
            Measure(what=P95, unit="s", values=[max((each.p95 for each in others), default=0.0)]),
            Measure(what=BOUND, unit="%", values=[100 * max((self._part(each) for each in others), default=0.0)]),
            Measure(what=GENERATIONS, unit="", values=[len(self._orders)]),
        ]

    def _place_ends(self, task: TaskReport) -> float:
        if self._vendor.window_seconds is not None:
            return task.created_at + self._vendor.window_seconds
        return task.completed_at or time.time()

    def _part(self, each: CustomerWaits) -> float:
        factor = _FACTOR_WITH_FAULTS if self._context.faults else _FACTOR
        return each.part_of_bound(factor, self._work)

    def _notes(self, found: Sequence[CustomerWaits], seconds: float, faults: Faults | None) -> list[str]:
        least = len(self._orders) / self._vendor.a_second(self._work)
        length = f"{len(self._orders)} orders of {self._work:g} s each on average, in {seconds:.0f} s"
        notes = [
            f"{length}; the vendor's limits allow {least:.0f} s",
            _table(found),
            durability(self._running.database),
        ]
        if faults is not None:
            notes.append(f"faults: FLUSHALL {faults.flushes} times, killed: {', '.join(faults.kills)}")
        return notes

    def _problems(self, tasks: Sequence[TaskReport], *, is_over: bool) -> list[str]:
        found = problems(self._running.stack.settings, self._running.database)
        twice = len(tasks) - len(_created(tasks))
        found += [f"{twice} orders were created twice"] if twice else []
        found += [] if is_over else ["not all orders ended"]
        limits, peaks = self._vendor.limits, self._running.sandbox.peaks()
        caps = [limits.in_flight, *(family.in_flight for family in limits.families.values())]
        most = min((cap for cap in caps if cap is not None), default=None)
        if most is not None and peaks.in_flight > most:
            found.append(f"{peaks.in_flight} were in flight at once; the limit is {most}")
        return found


def _ended(database: Database) -> int:
    with database.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM generations WHERE finished_at IS NOT NULL")).scalar_one())


def _created(tasks: Sequence[TaskReport]) -> dict[int, float]:
    """The time of the first create of each order, Unix seconds."""
    created: dict[int, float] = {}
    for task in tasks:
        match = _ORDER.search(task.prompt)
        if match is not None:
            created.setdefault(int(match[1]), task.created_at)
    return created


def _table(found: Sequence[CustomerWaits]) -> str:
    """The waits of each customer, for the page."""
    lines = [
        f"{each.customer:>8} {each.orders:>7} {each.p50:>9.1f} {each.p95:>9.1f} {each.fluid_p50:>10.1f} "
        f"{each.fluid_p95:>10.1f}"
        for each in found
    ]
    heading = "customer  orders    p50, s    p95, s  fluid p50  fluid p95"
    return "\n".join(["Waits, and those of the fluid fair queue:", "", "```", heading, *lines, "```", ""])
