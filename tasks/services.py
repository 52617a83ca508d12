"""What a stage works with: the clients of this process."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from providers.catalogue import Catalogue
from providers.registry import Providers
from schemas.enums import Queue
from schemas.settings import Settings
from storage.database import Database
from storage.generations import Wake
from storage.leases import LeaseKeeper
from storage.objects import ObjectStore


class Dispatcher(Protocol):
    """Sends wake-ups."""

    def wake(self, *wakes: Wake) -> bool:
        """Send some, best effort; whether all were sent."""

    def wake_all(self, wakes: Iterable[Wake]) -> None:
        """Send many in one round trip."""

    def room(self) -> Mapping[Queue, int]:
        """How many more messages each queue should take."""


@dataclass(frozen=True)
class WorkerServices:
    """One of each for a process; all safe to share between threads."""

    settings: Settings
    database: Database
    objects: ObjectStore
    providers: Providers
    catalogue: Catalogue
    leases: LeaseKeeper
    dispatcher: Dispatcher
    queues: frozenset[Queue]
    """What this process serves: it goes on by itself with what would only come back to it."""
    worker_name: str
    """Of this process, for whoever wants to know who holds a generation."""


_current: WorkerServices | None = None


def use_services(services: WorkerServices) -> None:
    """Make these the services of this process's tasks; `workers` calls it when a process starts."""
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
