"""The services of a worker process: the settings and clients that every step uses."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from admission.gate import Gate
from admission.health import RouteHealth
from admission.routes import Routes
from providers.catalogue import Catalogue
from providers.registry import Providers
from schemas.enums import Queue
from schemas.settings import Settings
from schemas.shares import Shares
from storage.database import Database
from storage.generations import Wake
from storage.leases import LeaseKeeper
from storage.objects import ObjectStore
from storage.runs_to_stop import StopWake
from storage.taking import Taking
from tasks.threads import Threads
from tasks.usual_times import UsualTimes


class Dispatcher(Protocol):
    """Sends wake-ups."""

    def wake(self, *wakes: Wake) -> bool:
        """Try to send these wake-ups. Returns whether all were sent."""

    def wake_all(self, wakes: Iterable[Wake]) -> None:
        """Send many wake-ups in one round trip."""

    def wake_variants(self, count: int) -> None:
        """Send wake-ups for variants in one round trip. A wake-up names no variant."""

    def wake_stops(self, wakes: Iterable[StopWake]) -> None:
        """Send wake-ups for runs to stop in one round trip."""

    def room(self) -> Mapping[Queue, int]:
        """The number of further messages that each queue should take."""


class Tells(Protocol):
    """Sends an event of a task."""

    def __call__(self, kind: str, **fields: object) -> object:
        """Send an event of Celery's kinds, such as `task-started`."""


@dataclass(frozen=True)
class WorkerServices:
    """The settings and clients of a worker process. Threads may share them all."""

    settings: Settings
    """The settings of the process."""
    database: Database
    """The connections to PostgreSQL."""
    objects: ObjectStore
    """The object store."""
    providers: Providers
    """The adapters of all providers."""
    catalogue: Catalogue
    """The models and their routes."""
    leases: LeaseKeeper
    """Renews the leases of this process's claims."""
    dispatcher: Dispatcher
    """Sends wake-ups."""
    announce: Callable[[UUID, UUID], object]
    """Announces that a generation of a customer changed. Returns at once."""
    tell: Tells
    """Shows a stage to Flower. Returns at once."""
    queues: frozenset[Queue]
    """The queues that this process serves. A step whose queue is among them can follow without a wake-up."""
    gate: Gate
    """Asks for places at provider accounts, and hands them out."""
    health: RouteHealth
    """Reports the calls of this process to the circuit breakers of routes."""
    routes: Routes
    """Chooses the routes of queued generations."""
    usual_times: UsualTimes
    """The usual times of work at providers."""
    threads: Threads
    """The threads of this process, shared by provider account: a vendor that hangs delays its account only."""
    variant_leases: LeaseKeeper
    """Renews the leases of this process's claims of variants."""
    worker_name: str
    """The name of this process. A claim records the name so that operators see which process has a claim."""
    variant_places: Shares = field(default_factory=lambda: Shares(each=1, total=1))
    """The places of this process for the making of variants."""
    taking: Taking = field(default_factory=Taking)
    """The gate before new work: closed while the process is drained."""


_current: WorkerServices | None = None


def use_services(services: WorkerServices) -> None:
    """Set the services of this process. `workers` calls this function when a process starts."""
    global _current
    _current = services


def current_services() -> WorkerServices:
    """The services of this process.

    Raises:
        RuntimeError: a task was called outside a worker process.
    """
    if _current is None:
        raise RuntimeError("tasks run in a worker process: start one with `reelworks worker`")
    return _current
