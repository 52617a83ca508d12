"""Asks all parts of a running system for their state at once. A part that hangs does not delay the others."""

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
from intake.redis.keys import DEAD
from schemas.admission_api import AccountState
from schemas.enums import Queue, Stage
from schemas.settings import Settings
from stack.wiring import gateway_url
from storage import drains, overview
from storage.admission_state import account_states
from storage.database import Database
from storage.drains import Drain
from storage.drains import Process as DrainedProcess
from storage.objects import ObjectStore
from storage.overview import EventsOut, StageCount
from storage.sql import of
from workers import lists
from workers.app import create_app
from workers.heartbeats import Heartbeats, hear
from workers.roles import ROLES, Role, role_of

_PATIENCE_SECONDS = 6.0
_ASK_SECONDS = 3.0
# A worker sends a heartbeat every two seconds, or more often.
_HEARTBEAT_SECONDS = 2.0

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """A service of the system."""

    name: str
    """The name of the service."""
    address: str
    """The address of the service, without a password."""
    is_there: bool
    """Whether the service answered without an error."""
    says: str
    """`ok`, or the error."""


@dataclass(frozen=True)
class QueueState:
    """A queue, and the workers that serve the queue."""

    name: Queue
    """The queue."""
    length: int | None
    """The number of waiting messages. None if Redis does not answer."""
    workers: Sequence[str]
    """The workers that serve the queue and have just answered."""


@dataclass(frozen=True)
class State:
    """The state of the whole system at one moment."""

    services: Sequence[Service]
    """Database, Redis, object store, gateway, and the processes that tell events."""
    queues: Sequence[QueueState]
    """Every queue."""
    stages: Sequence[StageCount]
    """Unfinished generations."""
    finished_today: Mapping[Stage, int]
    """The number of generations that ended in the last 24 hours, by their final stage."""
    strange_lists: Mapping[str, int]
    """Lists in Redis that no worker reads, with their lengths."""
    dead_requests: int
    """The kept messages that the Redis door could not read."""
    events_out: EventsOut | None
    """How far the events that leave the system are behind. None if the database does not answer."""
    accounts: Sequence[AccountState]
    """The provider accounts that have limits, or work that waits for them."""
    drains: Sequence[Drain]
    """The drains in force."""
    drained: Sequence[DrainedProcess]
    """The worker processes that are to take no new work."""

    @property
    def is_well(self) -> bool:
        """Whether every service answers, and every queue has a worker."""
        return all(service.is_there for service in self.services) and all(queue.workers for queue in self.queues)


def state_of(settings: Settings, *, gateway: str | None, patience: float) -> State:
    """Ask every part.

    Args:
        gateway: the gateway's address. None tries the address on this machine, then the public address.
        patience: the time for the answers of workers, in seconds.
    """
    addresses = [gateway] if gateway else [gateway_url(settings), settings.public_url]
    database = _Question("database", _place(settings.database_url), lambda: _rows(settings), settings)
    redis = _Question("redis", _place(settings.redis_url), lambda: _lists(settings), settings)
    objects = _Question("object store", settings.s3.endpoint, lambda: _ping(settings), settings)
    door = _Question("gateway", " or ".join(dict.fromkeys(addresses)), lambda: _ask_gateway(addresses), settings)
    workers = _Question("workers", "", lambda: _living(settings, patience), settings, patience=patience + _ASK_SECONDS)
    stages, finished, events_out, accounts, asked, drained = database.result or ((), {}, None, (), (), ())
    lengths, strange, dead = redis.result or ({}, {}, 0)
    living = workers.result or {}
    return State(
        services=[*(question.service for question in (database, redis, objects, door)), _notify(living)],
        queues=[QueueState(queue, lengths.get(queue), _serving(queue, living)) for queue in Queue],
        stages=stages,
        finished_today=finished,
        strange_lists=strange,
        dead_requests=dead,
        events_out=events_out,
        accounts=accounts,
        drains=asked,
        drained=drained,
    )


class _Question(Generic[T]):
    """A question to a part, asked in a thread. A missing answer costs only the thread."""

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
        """The answer. None without an answer."""
        self._thread.join(self._patience)
        return self._result

    @property
    def service(self) -> Service:
        """The state of the part."""
        self._thread.join(self._patience)
        return Service(self._name, self._address, self._says == "ok", self._says)

    def _run(self) -> None:
        try:
            self._result = self._ask()
        except _NotReady as error:
            self._says = str(error)
        except Exception as error:  # noqa: BLE001 -- any error means that the part does not work
            self._says = in_words(error, self._settings) or type(error).__name__
        else:
            self._says = "ok"


class _NotReady(Exception):
    """A part answers, but cannot work."""


_Rows = tuple[
    Sequence[StageCount],
    Mapping[Stage, int],
    EventsOut,
    Sequence[AccountState],
    Sequence[Drain],
    Sequence[DrainedProcess],
]


def _rows(settings: Settings) -> _Rows:
    database = Database(settings.database_url)
    try:
        with database.transaction() as session:
            events_out = overview.events_out(session, has_stream=settings.stream_out.enabled)
            accounts = [one for one in account_states(of(session)) if one.is_of_interest]
            sql = of(session)
            drained = [one for one in drains.processes(sql) if one.drain is not None]
            unfinished, finished = overview.unfinished(session), overview.finished_today(session)
            return unfinished, finished, events_out, accounts, drains.drains(sql), drained
    except ProgrammingError:
        raise _NotReady("it has not our tables: run `reelworks migrate`") from None
    finally:
        database.dispose()


def _lists(settings: Settings) -> tuple[Mapping[Queue, int], Mapping[str, int], int]:
    with Redis.from_url(settings.redis_url, socket_timeout=_ASK_SECONDS) as redis:
        return lists.lengths(redis), lists.strange(redis), int(redis.llen(DEAD))


def _ping(settings: Settings) -> None:
    objects = ObjectStore(settings.s3)
    try:
        objects.ping()
    finally:
        objects.close()


def _ask_gateway(addresses: Sequence[str]) -> None:
    """Ask the addresses in turn. The first answer counts."""
    for address in addresses:
        try:
            answer = httpx.get(f"{address}/readyz", timeout=_ASK_SECONDS, trust_env=False)
        except httpx.HTTPError:
            continue
        if not answer.is_success:
            raise _NotReady(f"{address}/readyz answers with {answer.status_code}")
        return
    raise _NotReady("it does not answer")


def _living(settings: Settings, patience: float) -> Mapping[Role, Sequence[str]]:
    """The processes of each role, by their heartbeats: a node's name holds its role."""

    def by_role(heard: Heartbeats) -> Mapping[Role, Sequence[str]]:
        roles = [(node, role_of(node)) for node in sorted(heard)]
        return {role: nodes for role in Role if (nodes := [node for node, its_role in roles if its_role is role])}

    # By then each living worker has sent a heartbeat, so all workers of a role are named.
    complete_at = time.monotonic() + _HEARTBEAT_SECONDS

    def is_enough(heard: Heartbeats) -> bool:
        return time.monotonic() > complete_at and set(by_role(heard)) == set(Role)

    with create_app(settings, process="worker") as app:
        return by_role(hear(app, seconds=patience, is_enough=is_enough))


def _serving(queue: Queue, living: Mapping[Role, Sequence[str]]) -> Sequence[str]:
    """The workers of a queue."""
    return [node for role, nodes in living.items() if queue in ROLES[role].queues for node in nodes]


def _notify(living: Mapping[Role, Sequence[str]]) -> Service:
    """The processes that tell events: no queue leads to them."""
    nodes = living.get(Role.NOTIFY, ())
    says = "ok" if nodes else "no process has sent a heartbeat"
    return Service("notify", ", ".join(nodes), bool(nodes), says)


def _place(url: str) -> str:
    """The host and port of a URL, without a password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
