"""Finished generations a second, from an instant vendor with a small image: Reelworks and its peers on one ground.

The rate is all orders over the time from the first order to the last completion: accepting and the tail are part of the
work, and nobody gains by doing them apart. Subjects are started one at a time, in turn, once in every round.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.drain import wait_for
from bench.ground import RunningStack, durability, lift_limits, process_ids, running_stack
from bench.load import Load, OrderRefused, place
from bench.meter import Meter
from bench.progress import Steps
from bench.reelworks import Reelworks
from bench.registry import peers
from bench.results import GENERATIONS, Measure, Outcome, over_rounds
from bench.scenario import Bench
from bench.subjects import Ground, Running, Subject
from bench.vendor_load import sandbox_alone
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
    mode: str
    processes: int

    @property
    def name(self) -> str:
        """As the tables show it."""
        return f"{self.mode}, {self.processes} process{'es' if self.processes > 1 else ''}"


@dataclass(frozen=True)
class Size:
    """How much work a case is."""

    warm_up: int
    orders: int


class Throughput:
    """Every subject in every mode that it has, with one and with two worker processes of each kind."""

    name = NAME

    def measure(self, bench: Bench) -> list[Outcome]:
        """Every case once in each round, and the sandbox alone."""
        size = Size(warm_up=4, orders=24) if bench.quick else Size(warm_up=60, orders=600)
        cases = list(_cases(bench))
        rounds: list[list[Outcome]] = []
        with running_stack(bench, only={"sandbox"}) as ground, Steps(bench, NAME, bench.rounds * len(cases)) as steps:
            for number in range(1, bench.rounds + 1):
                rounds.append([])
                for case in cases:
                    steps.begin(f"round {number}, {case.subject.name}, {case.name}")
                    rounds[-1].append(_measure_or_tell(bench, ground, case, size, steps))
                steps.tell("the sandbox alone")
                with _instant(ground):
                    rounds[-1].append(sandbox_alone(ground, size.orders))
        return [over_rounds(outcomes) for outcomes in zip(*rounds, strict=True)]


def _cases(bench: Bench) -> Iterator[Case]:
    subjects: Sequence[Subject] = [Reelworks(), *(peers(bench.console) if bench.peers else [])]
    for processes in _PROCESSES[:1] if bench.quick else _PROCESSES:
        for mode in ("callback", "poll"):
            for subject in subjects:
                if mode in subject.modes:
                    yield Case(subject, mode, processes)
    if not bench.quick:
        yield Case(Reelworks(flower=True), "callback", 1)


def _measure_or_tell(bench: Bench, ground: RunningStack, case: Case, size: Size, steps: Steps) -> Outcome:
    """One subject's trouble must not cost the figures of the others."""
    try:
        return _measure(bench, ground, case, size, steps)
    except (StackError, OrderRefused, OSError) as error:
        problem = f"could not be measured: {type(error).__name__}: {error}"
        return Outcome(scenario=NAME, case=case.name, subject=case.subject.name, measures=[], problems=[problem])


def _measure(bench: Bench, ground: RunningStack, case: Case, size: Size, steps: Steps) -> Outcome:
    place_of_subjects = Ground(Path(bench.folder), ground.stack.settings, ground.stack.sandbox_url)
    started = case.subject.running(place_of_subjects, mode=case.mode, processes=case.processes)
    with _instant(ground), started as running:
        place(running.door, size.warm_up, _SENDERS)
        wait_for(running.finished, size.warm_up)
        outcome = _run(ground, case, running, size, steps)
        return outcome.model_copy(update={"problems": [*outcome.problems, *running.problems()]})


def _run(ground: RunningStack, case: Case, running: Running, size: Size, steps: Steps) -> Outcome:
    before = running.finished()
    with Load([running.door] * _SENDERS, size.orders) as load:
        parts = {**running.processes, **process_ids(ground.stack), "load": load.pid}
        with Meter(parts) as meter:
            began = time.perf_counter()
            load.go()
            latencies = load.latencies()
            accepted_seconds = time.perf_counter() - began
            ended = wait_for(running.finished, before + size.orders, tell=steps.tell)
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
        notes=[durability(ground.database)],
        problems=[] if ended else [f"only {finished} of {size.orders} orders were finished"],
    )


@contextmanager
def _instant(ground: RunningStack) -> Iterator[None]:
    """The sandbox as it started, but without limits, and with small images that take no time."""
    ground.sandbox.reset()
    lift_limits(ground.sandbox)
    ground.sandbox.add_scenario(_INSTANT)
    yield
