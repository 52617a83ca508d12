"""The state of a running system, asked of all its parts at once; a part that hangs delays nothing."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import httpx
from redis import Redis
from sqlalchemy.exc import ProgrammingError

from cli.outages import in_words
from schemas.enums import Queue, Stage
from schemas.settings import Settings
from stack.wiring import gateway_url
from storage import overview
from storage.database import Database
from storage.objects import ObjectStore
from storage.overview import StageCount
from workers import lists
from workers.app import create_app

_PATIENCE_SECONDS = 6.0
_ASK_SECONDS = 3.0
_ROUND_SECONDS = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """One of the services that the system is made of."""

    name: str
    """What it is."""
    address: str
    """Where it was asked; without a password."""
    is_there: bool
    """Whether it answered as it should."""
    says: str
    """Why not; or `ok`."""


@dataclass(frozen=True)
class QueueState:
    """A queue, and who serves it."""

    name: Queue
    """The queue."""
    length: int | None
    """Messages that wait; None if Redis does not answer."""
    workers: Sequence[str]
    """Those that serve it and answered just now."""


@dataclass(frozen=True)
class State:
    """The whole system at one moment."""

    services: Sequence[Service]
    """Database, Redis, object store, gateway."""
    queues: Sequence[QueueState]
    """Every queue that there should be."""
    stages: Sequence[StageCount]
    """Unfinished generations."""
    finished_today: Mapping[Stage, int]
    """Generations that ended in the last 24 hours, by how."""
    strange_lists: Mapping[str, int]
    """Lists in Redis that no worker reads, with their lengths."""

    @property
    def is_well(self) -> bool:
        """Whether every service is there, and every queue has somebody who serves it."""
        return all(service.is_there for service in self.services) and all(queue.workers for queue in self.queues)


def state_of(settings: Settings, *, gateway: str | None, patience: float) -> State:
    """Ask every part.

    Args:
        gateway: where to ask it; None: where it listens on this machine, or else at its public address.
        patience: seconds that workers have to answer.
    """
    addresses = [gateway] if gateway else [gateway_url(settings), settings.public_url]
    database = _Question("database", _place(settings.database_url), lambda: _generations(settings), settings)
    redis = _Question("redis", _place(settings.redis_url), lambda: _lists(settings), settings)
    objects = _Question("object store", settings.s3.endpoint, lambda: _ping(settings), settings)
    door = _Question("gateway", " or ".join(dict.fromkeys(addresses)), lambda: _ask_gateway(addresses), settings)
    workers = _Question("workers", "", lambda: _serving(settings, patience), settings, patience=patience + _ASK_SECONDS)
    stages, finished = database.result or ((), {})
    lengths, strange = redis.result or ({}, {})
    serving = workers.result or {}
    return State(
        services=[question.service for question in (database, redis, objects, door)],
        queues=[QueueState(queue, lengths.get(queue), serving.get(queue, ())) for queue in Queue],
        stages=stages,
        finished_today=finished,
        strange_lists=strange,
    )


class _Question(Generic[T]):
    """Something that a part is asked in a thread: an answer that never comes costs a thread, and no more."""

    def __init__(
        self, name: str, address: str, ask: Callable[[], T], settings: Settings, *, patience: float = _PATIENCE_SECONDS
    ) -> None:
        self._name, self._address, self._ask, self._settings, self._patience = name, address, ask, settings, patience
        self._says = f"no answer within {patience:.0f} s"
        self._result: T | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def result(self) -> T | None:
        """The answer; None if there is none."""
        self._thread.join(self._patience)
        return self._result

    @property
    def service(self) -> Service:
        """How the part is."""
        self._thread.join(self._patience)
        return Service(self._name, self._address, self._says == "ok", self._says)

    def _run(self) -> None:
        try:
            self._result = self._ask()
        except _NotReady as error:
            self._says = str(error)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the part does not work
            self._says = in_words(error, self._settings) or type(error).__name__
        else:
            self._says = "ok"


class _NotReady(Exception):
    """A part answers, and cannot work."""


def _generations(settings: Settings) -> tuple[Sequence[StageCount], Mapping[Stage, int]]:
    database = Database(settings.database_url)
    try:
        with database.transaction() as session:
            return overview.unfinished(session), overview.finished_today(session)
    except ProgrammingError:
        raise _NotReady("it has not our tables: run `reelworks migrate`") from None
    finally:
        database.dispose()


def _lists(settings: Settings) -> tuple[Mapping[Queue, int], Mapping[str, int]]:
    with Redis.from_url(settings.redis_url, socket_timeout=_ASK_SECONDS) as redis:
        return lists.lengths(redis), lists.strange(redis)


def _ping(settings: Settings) -> None:
    objects = ObjectStore(settings.s3)
    try:
        objects.ping()
    finally:
        objects.close()


def _ask_gateway(addresses: Sequence[str]) -> None:
    """The first that answers counts."""
    for address in addresses:
        try:
            answer = httpx.get(f"{address}/readyz", timeout=_ASK_SECONDS, trust_env=False)
        except httpx.HTTPError:
            continue
        if not answer.is_success:
            raise _NotReady(f"{address}/readyz answers with {answer.status_code}")
        return
    raise _NotReady("it does not answer")


def _serving(settings: Settings, patience: float) -> Mapping[Queue, Sequence[str]]:
    """The workers of each queue. A busy one may answer late: it is asked again while a queue has nobody."""
    found: dict[str, set[str]] = {}
    ends_at = time.monotonic() + patience
    with create_app(settings, process="worker") as app:
        while set(Queue) - set(found) and (left := ends_at - time.monotonic()) > 0:
            answers = app.control.inspect(timeout=min(left, _ROUND_SECONDS)).active_queues() or {}
            for node, served in answers.items():
                for queue in served:
                    found.setdefault(queue["name"], set()).add(node)
    return {queue: sorted(found[queue]) for queue in Queue if queue in found}


def _place(url: str) -> str:
    """Host and port of a URL that may hold a password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
