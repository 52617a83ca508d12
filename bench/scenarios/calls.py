"""Counts the calls to a vendor for each finished generation: creates, status reads and cancels, as the vendor counts.

Downloads have their own count: vendors serve results from other hosts, without limits.
"""

from collections.abc import Iterator

from bench.figures.results import Measure, Outcome, over_rounds
from bench.load.drain import wait_for
from bench.load.senders import place
from bench.progress import Steps
from bench.running_stack import RunningStack, running_stack
from bench.scenario import RunContext
from bench.subjects.reelworks import CALLBACK, POLL, finished, problems, with_mode
from bench.subjects.reelworks import NAME as REELWORKS
from sandbox.scenarios import Delivered
from sandbox.scenarios import Scenario as Behaviour
from schemas.settings import Settings

NAME = "calls"
CALLS = "provider calls per generation"

_SENDERS = 4
# About the time that a vendor needs for an image.
_SECONDS = 5.0
_BEHAVIOUR = Behaviour(seconds=_SECONDS, delivered=Delivered(width=64, height=64))


class Calls:
    """Vendor calls in callback mode and in poll mode."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure both modes, each with a separate system."""
        return [over_rounds(list(_rounds(context, mode))) for mode in (CALLBACK, POLL)]


def _rounds(context: RunContext, mode: str) -> Iterator[Outcome]:
    count = 8 if context.quick else 100
    settings = with_mode(Settings(_env_file=None), mode)
    with running_stack(context, settings=settings) as running, Steps(context, NAME, context.rounds) as steps:
        for number in range(1, context.rounds + 1):
            steps.begin(f"round {number}, {mode} mode, {count} orders of {_SECONDS:g} s")
            yield _round(running, mode, count, steps)


def _round(running: RunningStack, mode: str, count: int, steps: Steps) -> Outcome:
    sandbox = running.sandbox
    sandbox.reset()
    sandbox.lift_limits()
    sandbox.add_scenario(_BEHAVIOUR)
    before = finished(running.database)
    place(running.door, count, _SENDERS)
    wait_for(lambda: finished(running.database), before + count, report=steps.show)
    tasks, requests = sandbox.tasks(), sandbox.requests()
    creates = requests.accepted + requests.refused
    reads, cancels = sum(task.polls for task in tasks), sum(task.cancels for task in tasks)
    done = finished(running.database) - before
    counts = {
        CALLS: creates + reads + cancels,
        "creates": creates,
        "status reads": reads,
        "downloads": sum(task.downloads for task in tasks),
    }
    return Outcome(
        scenario=NAME,
        case=f"{mode}, {_SECONDS:g} s",
        subject=REELWORKS,
        measures=[Measure(what=what, unit="", values=[number / max(done, 1)]) for what, number in counts.items()],
        problems=problems(running.stack.settings, running.database),
    )
