"""Measures finished generations a second, with an instant vendor and a small image: Reelworks and its peers.

The rate is the number of orders divided by the time from the first order to the last completion. Accepting and the tail
are part of the work, so no subject gains by separating them. All subjects share one infrastructure and run in turn,
once in every round.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures.results import GENERATIONS, Measure, Outcome, over_rounds
from bench.instruments.meter import Meter
from bench.load.drain import wait_for
from bench.load.sandbox_alone import sandbox_alone
from bench.load.senders import Load, OrderRefused, place
from bench.progress import Steps
from bench.running_stack import RunningStack, durability, process_ids, running_stack
from bench.scenario import RunContext
from bench.subjects.installed_peers import peers
from bench.subjects.protocols import Infrastructure, Running, Subject
from bench.subjects.reelworks import Reelworks
from sandbox.scenarios import Delivered
from sandbox.scenarios import Scenario as Behaviour
from stack.errors import StackError

NAME = "throughput"
RATE, ACCEPTED = "finished", "accepted"

_SENDERS = 16
_PROCESSES = (1, 2)
_INSTANT = Behaviour(seconds=0, delivered=Delivered(width=64, height=64))


@dataclass(frozen=True)
class Case:
    """One subject in one configuration."""

    subject: Subject
    """The subject."""
    mode: str
    """`callback` or `poll`."""
    processes: int
    """Worker processes of each kind."""

    @property
    def name(self) -> str:
        """The name in the tables."""
        return f"{self.mode}, {self.processes} process{'es' if self.processes > 1 else ''}"


@dataclass(frozen=True)
class Size:
    """The amount of work of a case."""

    warm_up: int
    """Orders before the measurement."""
    orders: int
    """Measured orders."""


class Throughput:
    """Every subject in each of its modes, with one and with two worker processes of each kind."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure every case once in each round, and the sandbox alone."""
        size = Size(warm_up=4, orders=24) if context.quick else Size(warm_up=60, orders=600)
        cases = list(_cases(context))
        rounds: list[list[Outcome]] = []
        with (
            running_stack(context, only={"sandbox"}) as shared,
            Steps(context, NAME, context.rounds * len(cases)) as steps,
        ):
            for number in range(1, context.rounds + 1):
                rounds.append([])
                for case in cases:
                    steps.begin(f"round {number}, {case.subject.name}, {case.name}")
                    rounds[-1].append(_measure_or_report(context, shared, case, size, steps))
                steps.show("the sandbox alone")
                with _instant(shared):
                    rounds[-1].append(sandbox_alone(shared, size.orders))
        return [over_rounds(outcomes) for outcomes in zip(*rounds, strict=True)]


def _cases(context: RunContext) -> Iterator[Case]:
    subjects: Sequence[Subject] = [Reelworks(), *(peers(context.console) if context.peers else [])]
    for processes in _PROCESSES[:1] if context.quick else _PROCESSES:
        for mode in ("callback", "poll"):
            for subject in subjects:
                if mode in subject.modes:
                    yield Case(subject, mode, processes)
    if not context.quick:
        yield Case(Reelworks(flower=True), "callback", 1)


def _measure_or_report(context: RunContext, shared: RunningStack, case: Case, size: Size, steps: Steps) -> Outcome:
    """Measure a case. An error becomes a problem in the outcome, so that the other subjects keep their figures."""
    try:
        return _measure(context, shared, case, size, steps)
    except (StackError, OrderRefused, OSError) as error:
        problem = f"could not be measured: {type(error).__name__}: {error}"
        return Outcome(scenario=NAME, case=case.name, subject=case.subject.name, measures=[], problems=[problem])


def _measure(context: RunContext, shared: RunningStack, case: Case, size: Size, steps: Steps) -> Outcome:
    infrastructure = Infrastructure(Path(context.folder), shared.stack.settings, shared.stack.sandbox_url)
    started = case.subject.running(infrastructure, mode=case.mode, processes=case.processes)
    with _instant(shared), started as running:
        place(running.door, size.warm_up, _SENDERS)
        wait_for(running.finished, size.warm_up)
        outcome = _run(shared, case, running, size, steps)
        return outcome.model_copy(update={"problems": [*outcome.problems, *running.problems()]})


def _run(shared: RunningStack, case: Case, running: Running, size: Size, steps: Steps) -> Outcome:
    before = running.finished()
    with Load([running.door] * _SENDERS, size.orders) as load:
        parts = {**running.processes, **process_ids(shared.stack), "load": load.pid}
        with Meter(parts) as meter:
            began = time.perf_counter()
            load.go()
            latencies = load.latencies()
            accepted_seconds = time.perf_counter() - began
            ended = wait_for(running.finished, before + size.orders, report=steps.show)
    finished = running.finished() - before
    seconds = (ended or time.perf_counter()) - began
    return Outcome(
        scenario=NAME,
        case=case.name,
        subject=case.subject.name,
        measures=[
            Measure(what=RATE, unit="1/s", values=[finished / seconds]),
            Measure(what=ACCEPTED, unit="1/s", values=[len(latencies) / accepted_seconds]),
            Measure(what=GENERATIONS, unit="", values=[finished]),
        ],
        parts=meter.use(),
        notes=[durability(shared.database)],
        problems=[] if ended else [f"only {finished} of {size.orders} orders were finished"],
    )


@contextmanager
def _instant(shared: RunningStack) -> Iterator[None]:
    """The sandbox in its initial state, but without limits, and with small images that take no time."""
    shared.sandbox.reset()
    shared.sandbox.lift_limits()
    shared.sandbox.add_scenario(_INSTANT)
    yield
