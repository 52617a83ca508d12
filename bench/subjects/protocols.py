"""The interface of a subject: a system that takes orders over HTTP and makes finished, paid-for media.

Reelworks is one subject, and each peer in `bench/peers` is another. All run one at a time on the same PostgreSQL,
Redis, object store and vendor simulator. Each does the same work for an order: takes the order with a hold on credits,
submits it to the vendor, waits, downloads the result, stores it, and settles the credits.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schemas.settings import Settings


@dataclass(frozen=True)
class Infrastructure:
    """The infrastructure that all subjects share."""

    folder: Path
    """For the subject's logs and files."""
    settings: Settings
    """The settings of the running stack, with all URLs, and the vendor account in `providers.kie`."""
    sandbox_url: str
    """The URL of the vendor simulator."""


@dataclass(frozen=True)
class Door:
    """An HTTP request that places one order. The answer is 2xx once the order is durable."""

    url: str
    """The request's URL."""
    headers: Mapping[str, str]
    """The request's headers."""
    body: Mapping[str, object]
    """The JSON body."""
    method: str = "POST"
    """`POST` places an order. `GET` reads an order's status and sends no body."""


class Running(Protocol):
    """A subject whose processes run and have no work."""

    @property
    def door(self) -> Door:
        """The door for orders."""

    @property
    def processes(self) -> Mapping[str, int]:
        """The process id of each of the subject's parts. Each stands for its children, too."""

    def finished(self) -> int:
        """The number of orders that ended well: the file is stored and the credits are settled."""

    def problems(self) -> Sequence[str]:
        """The subject's errors, as text: a lost order, a missing file, a ledger that does not add up."""


class Subject(Protocol):
    """A system that runs on the shared infrastructure."""

    @property
    def name(self) -> str:
        """The name in the tables."""

    @property
    def modes(self) -> Sequence[str]:
        """The ways to wait for the vendor: `callback`, `poll`, or both."""

    def running(self, infrastructure: Infrastructure, *, mode: str, processes: int) -> AbstractContextManager[Running]:
        """Start the subject with this number of worker processes of each kind. The subject and its data go with the
        block.

        Args:
            mode: one of `modes`.
        """


class Proxy(Protocol):
    """A running proxy in front of a vendor: one process that takes orders and answers status reads."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def create(self) -> Door:
        """The door for orders. The answer's `id` names the order."""

    def status_url(self, video_id: str) -> str:
        """The URL of an order's status: GET, with the headers of `create`."""
