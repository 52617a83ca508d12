"""Measures the time that Reelworks adds to the vendor's own, at low load: one order at a time.

There are four moments of each order, all on this machine's real-time clock:

- the POST begins: before its first byte is written;
- the create arrives: the sandbox has read and checked it (`created_at` of its task);
- the callback leaves: the sandbox is about to connect, so the way to the gateway counts as Reelworks' time (`at`);
- completed: a listening PostgreSQL client hears of the commit. `finished_at` would exclude the commit.
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from bench.figures.percentiles import percentiles
from bench.figures.results import GENERATIONS, Measure, Outcome, over_rounds
from bench.instruments.meter import Meter
from bench.load.drain import wait_for
from bench.load.senders import Sender, place
from bench.progress import Steps
from bench.running_stack import RunningStack, durability, process_ids, running_stack
from bench.scenario import RunContext
from bench.subjects.reelworks import NAME as REELWORKS
from bench.subjects.reelworks import finished, problems
from sandbox.control_models import TaskReport
from sandbox.scenarios import Delivered
from sandbox.scenarios import Scenario as Behaviour

NAME = "overhead"
ARRIVAL, COMPLETION, ANSWER = "POST → create", "callback → completed", "POST → answer"

# Long enough to store the create's answer before the callback arrives, as with every real vendor.
_BEHAVIOUR = Behaviour(seconds=0.2, delivered=Delivered(width=64, height=64))
# Random pauses keep orders out of step with beat, which sends once a second.
_LONGEST_PAUSE_SECONDS = 0.1
_GIVE_UP_SECONDS = 60.0

_CHANNEL = "bench_completed"
_TELL_OF_COMPLETION = f"""
CREATE FUNCTION {_CHANNEL}() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('{_CHANNEL}', NEW.id::text); RETURN NULL; END $$;
CREATE TRIGGER {_CHANNEL} AFTER UPDATE OF stage ON generations FOR EACH ROW
    WHEN (NEW.stage = 'completed') EXECUTE FUNCTION {_CHANNEL}()
"""


@dataclass(frozen=True)
class _Order:
    """The moments of one order, Unix seconds."""

    posted: float
    answered: float
    created: float
    called_back: float
    completed: float


class Overhead:
    """The time from POST to the vendor's create, and from its callback to `completed`."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure the same orders in every round, on one running system."""
        count, warm_up = (10, 4) if context.quick else (300, 20)
        rounds = []
        with running_stack(context) as running, _completions(running) as completions:
            running.sandbox.add_scenario(_BEHAVIOUR)
            place(running.door, warm_up, senders=4)
            wait_for(lambda: finished(running.database), warm_up)
            with Steps(context, NAME, context.rounds) as steps:
                for number in range(1, context.rounds + 1):
                    steps.begin(f"round {number}, {count} orders one after the other")
                    with Meter(process_ids(running.stack)) as meter:
                        orders = _orders(running, completions, count, seed=number)
                    rounds.append(_outcome(orders).model_copy(update={"parts": meter.use()}))
            found = problems(running.stack.settings, running.database)
            notes = [durability(running.database)]
        return [over_rounds(rounds).model_copy(update={"problems": found, "notes": notes})]


def _orders(running: RunningStack, completions: psycopg.Connection, count: int, *, seed: int) -> list[_Order]:
    pauses = random.Random(seed)
    moments: dict[str, tuple[float, float, float]] = {}
    with Sender(running.door) as sender:
        for _ in range(count):
            time.sleep(pauses.uniform(0, _LONGEST_PAUSE_SECONDS))
            posted = time.time()
            answer = sender.send()
            answered = time.time()
            generation_id = json.loads(answer)["id"]
            moments[generation_id] = posted, answered, _wait_for(completions, generation_id)
    tasks = {_generation_id(task): task for task in running.sandbox.tasks()}
    return [
        _Order(posted, answered, tasks[name].created_at, tasks[name].callbacks[0].at, completed)
        for name, (posted, answered, completed) in moments.items()
    ]


def _wait_for(completions: psycopg.Connection, generation_id: str) -> float:
    """The time at which the generation's completion was heard."""
    for told in completions.notifies(timeout=_GIVE_UP_SECONDS):
        if told.payload == generation_id:
            return time.time()
    raise TimeoutError(f"generation {generation_id} was not completed within {_GIVE_UP_SECONDS:g} s")


@contextmanager
def _completions(running: RunningStack) -> Iterator[psycopg.Connection]:
    """A connection that hears of every completed generation."""
    url = running.stack.settings.database_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TELL_OF_COMPLETION)
        connection.execute(f"LISTEN {_CHANNEL}")
        yield connection


def _generation_id(task: TaskReport) -> str:
    """The generation of a task, from the callback's URL: `…/callbacks/kie/{id}?t=…`."""
    return (task.call_back_url or "").partition("?")[0].rpartition("/")[2]


def _outcome(orders: Sequence[_Order]) -> Outcome:
    spans = {
        ARRIVAL: [order.created - order.posted for order in orders],
        COMPLETION: [order.completed - order.called_back for order in orders],
        ANSWER: [order.answered - order.posted for order in orders],
    }
    return Outcome(
        scenario=NAME,
        case="one order at a time",
        subject=REELWORKS,
        measures=[
            *(measure for what, seconds in spans.items() for measure in percentiles(what, seconds)),
            Measure(what=GENERATIONS, unit="", values=[len(orders)]),
        ],
    )
