"""What is measured: a system that takes orders over HTTP and makes finished, paid-for media of them.

Reelworks is one subject, and so is each peer under `bench/peers`. All of them run on the same PostgreSQL, Redis, object
store and vendor simulator, one at a time, and each does the same work for an order: it takes the order in together with
a hold on credits, submits it to the vendor, waits, downloads the result, stores it, and settles the credits.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schemas.settings import Settings


@dataclass(frozen=True)
class Infrastructure:
    """What every subject stands on.

    `settings` are those of the running stack, with every URL filled in: `database_url`, `redis_url`, `s3`, and the
    vendor account in `providers.kie`. `folder` is for logs and files of the subject.
    """

    folder: Path
    settings: Settings
    sandbox_url: str


@dataclass(frozen=True)
class Door:
    """How one order is placed: a POST with a JSON body, which is answered with 2xx once the order is durable."""

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, object]
    method: str = "POST"
    """`GET` asks how an order stands, and sends no body."""


class Running(Protocol):
    """A subject whose processes are up and empty of work."""

    @property
    def door(self) -> Door:
        """Where it takes orders."""

    @property
    def processes(self) -> Mapping[str, int]:
        """The process ids of its own parts, by part; each stands for its children, too."""

    def finished(self) -> int:
        """How many orders ended well: the file is stored and the credits are settled."""

    def problems(self) -> Sequence[str]:
        """What is wrong with what it did, in words: a lost order, a missing file, a ledger that does not add up."""


class Subject(Protocol):
    """A system that can be started on the shared infrastructure."""

    @property
    def name(self) -> str:
        """As the tables show it."""

    @property
    def modes(self) -> Sequence[str]:
        """How it can wait for the vendor: `callback`, `poll`, or both."""

    def running(self, infrastructure: Infrastructure, *, mode: str, processes: int) -> AbstractContextManager[Running]:
        """Start it, with so many worker processes of each kind; ended, and its data gone, with the block.

        Args:
            mode: one of `modes`.
        """


class Proxy(Protocol):
    """A running proxy before a vendor: it takes orders and tells how they stand, in one process."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def create(self) -> Door:
        """Where it takes orders. The answer's `id` names one."""

    def status_url(self, video_id: str) -> str:
        """Where it tells how an order stands, to a GET with the headers of `create`."""
