"""The drill: processes of the door take orders, one after the other is killed, and every order is counted."""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from pydantic import JsonValue
from redis import Redis
from sqlalchemy import text

from drills.door.clients import Clients, Form
from drills.door.watch import Asked, Watch
from schemas.settings import Settings
from stack.child import Child
from stack.processes import Process
from stack.stack import Stack
from storage import customers, ledger
from storage.database import Database
from workers.health import worker_trouble
from workers.roles import Role

_CREDITS = 10**9
_PATIENCE_SECONDS = 300.0
_LOOK_EVERY_SECONDS = 0.01
# A second answer would come while the first ones are awaited, or soon after.
_QUIET_SECONDS = 3.0
_LONGEST_HESITATION_SECONDS = 0.02
# None and 0 are the usual list. Celery's clients send the others to lists of their own.
_PRIORITIES = (None, 0, 3, 5, 9)
_TAKEN = "reelworks:door:taken:"


@dataclass(frozen=True)
class Outcome:
    """The counts of a drill."""

    kills: int
    """The kills of a process."""
    interrupted: int
    """The kills after which requests were in the hands of the dead process."""
    orders: Counter[Form]
    """The orders, by the form of the message."""
    generations: int
    """The generations."""
    answers: int
    """The answers, with repeated ones."""
    waits: Sequence[float]
    """The seconds from each order to its answer, the longest last."""
    problems: Sequence[str]
    """The broken rules."""


def drill(folder: Path, *, kills: int, orders: int, processes: int = 2, seed: int = 0) -> Outcome:
    """Send so many orders, and kill a process of the door so many times meanwhile.

    Args:
        processes: the processes of the door at the same time.
        seed: decides the forms of the orders and the moments of the kills.
    """
    names = [f"{Role.REQUESTS}{number}" for number in range(1, processes + 1)]
    with ExitStack() as ends:
        # Nothing but the door runs, so the generations stay queued.
        stack = ends.enter_context(
            Stack(folder, Settings(_env_file=None), only={*names}, processes=partial(_processes, names=names))
        )
        redis = ends.enter_context(Redis.from_url(stack.settings.redis_url, decode_responses=True))
        clients = ends.enter_context(Clients(stack.settings.redis_url))
        database = Database(stack.settings.database_url, pool_size=1)
        ends.callback(database.dispose)
        watch = ends.enter_context(Watch(clients, redis))
        run = _Drill([stack.part(name) for name in names], redis, clients, watch, database, random.Random(seed))
        for number in range(kills):
            run.round(orders * (number + 1) // kills - orders * number // kills)
        return run.outcome()


def _processes(settings: Settings, *, names: Sequence[str]) -> list[Process]:
    """Worker processes without a supervisor, which would wait longer after each death."""
    command = (sys.executable, "-P", "-m", "workers", "--role", Role.REQUESTS, "--name")
    return [Process(name, (*command, name), is_ready=partial(_beats, settings, name)) for name in names]


def _beats(settings: Settings, name: str) -> bool:
    return worker_trouble(settings, name) is None


class _Drill:
    def __init__(
        self,
        processes: Sequence[Child],
        redis: Redis,
        clients: Clients,
        watch: Watch,
        database: Database,
        chance: random.Random,
    ) -> None:
        self._processes = processes
        self._redis = redis
        self._clients = clients
        self._watch = watch
        self._database = database
        self._chance = chance
        self._kills = 0
        self._interrupted = 0
        with database.transaction() as session:
            self._customer_id = customers.create_customer(session, "drill").id
            ledger.grant(session, self._customer_id, _CREDITS, reference="drill")

    def round(self, orders: int) -> None:
        """Send orders, kill a process when some of them are answered, and start the process again."""
        sent = [self._send() for _ in range(orders)]
        enough = self._chance.randrange(orders)
        _until(lambda: sum(asked.waited_seconds is not None for asked in sent) >= enough)
        time.sleep(self._chance.uniform(0.0, _LONGEST_HESITATION_SECONDS))
        process = self._processes[self._kills % len(self._processes)]
        process.kill()
        self._kills += 1
        self._interrupted += self._has_requests(process.name)
        process.start()
        process.wait_until_ready()

    def _has_requests(self, name: str) -> bool:
        """Whether requests are in the hands of a process."""
        return any(self._redis.llen(key) for key in self._redis.scan_iter(f"{_TAKEN}{name}@*", count=1000))

    def outcome(self) -> Outcome:
        """Wait for all answers, and count."""
        asked = self._watch.asked
        _until(lambda: all(each.waited_seconds is not None for each in asked))
        time.sleep(_QUIET_SECONDS)
        answers, made = self._watch.counts(), self._generations()
        return Outcome(
            kills=self._kills,
            interrupted=self._interrupted,
            orders=Counter(each.form for each in asked),
            generations=len(made),
            answers=sum(answers.values()),
            waits=sorted(each.waited_seconds for each in asked if each.waited_seconds is not None),
            problems=[*self._problems(answers, made)],
        )

    def _send(self) -> Asked:
        form = self._chance.choice(list(Form))
        priority = self._chance.choice(_PRIORITIES) if form is Form.CELERY else None
        arguments: dict[str, JsonValue] = {
            "customer_id": str(self._customer_id),
            "request": {"model": "nano-banana", "prompt": f"lighthouse {len(self._watch.asked)}"},
        }
        sent_at = time.monotonic()
        asked = Asked(form, self._clients.send(form, arguments, priority=priority), sent_at)
        self._watch.asked.append(asked)
        return asked

    def _generations(self) -> list[UUID]:
        with self._database.transaction() as session:
            return list(session.execute(text("SELECT id FROM generations")).scalars())

    def _problems(self, answers: dict[str, int], made: Sequence[UUID]) -> list[str]:
        told = {asked.id: self._clients.answer(asked.form, asked.id) or {} for asked in self._watch.asked}
        ids = Counter(str(answer.get("id")) for answer in told.values() if answer)
        wrong = {key: answer for key, answer in told.items() if answer and "error" in answer}
        return [
            *(f"{key} has {count} answers" for key, count in answers.items() if count != 1),
            *(f"{key} was refused: {answer['error']}" for key, answer in wrong.items()),
            *(f"{count} orders were answered with the generation {name}" for name, count in ids.items() if count > 1),
            *(f"the generation {name} was told to nobody" for name in {*map(str, made)} - {*ids}),
            *(f"the generation {name} does not exist" for name in {*ids} - {*map(str, made)}),
        ]


def _until(is_so: Callable[[], bool]) -> None:
    """Wait, at most for a time in which every order is answered unless it is lost."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while not is_so() and time.monotonic() < give_up_at:
        time.sleep(_LOOK_EVERY_SECONDS)
