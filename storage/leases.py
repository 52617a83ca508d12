"""The lease keeper: one thread in each process that renews the leases of the process's claims."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, Self
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from metrics.families import LEASES_LOST
from schemas.errors import LeaseLost
from storage import claims
from storage.database import Database
from storage.sql import Sql

log = structlog.get_logger()


class Lease:
    """A claim's lease in the worker's process.

    `until` is a time of the monotonic clock, which goes on while a process is stopped. It counts from before the
    statement that granted the lease, so the lease ends here no later than in the database.
    """

    def __init__(self, generation_id: UUID, *, until: float) -> None:
        self.generation_id = generation_id
        self._until = until
        self._lost = threading.Event()

    @property
    def is_lost(self) -> bool:
        """Whether the lease is marked as lost."""
        return self._lost.is_set()

    def check(self) -> None:
        """Raise `LeaseLost` if the lease is marked as lost. Long work calls this method between its chunks.

        A lease that could not be renewed during an outage is not lost yet.
        """
        if self.is_lost:
            raise LeaseLost("the lease was not renewed in time")

    def fence(self) -> None:
        """Raise `LeaseLost` if another worker may have the claim. A create calls this method before it leaves."""
        self.check()
        if time.monotonic() >= self._until:
            raise LeaseLost("the lease ran out before the request left")

    def extend(self, *, until: float) -> None:
        """Set the lease's new end after a renewal."""
        self._until = until

    def lose(self) -> None:
        """Mark the lease as lost."""
        self._lost.set()


class Held(Protocol):
    """A claim, as the keeper knows it."""

    @property
    def id(self) -> UUID:
        """The id of the row."""

    @property
    def token(self) -> UUID:
        """The fencing token of the lease."""


class Renews(Protocol):
    """Extends leases, given as ids of rows by token. Returns the tokens of the extended leases."""

    def __call__(self, sql: Sql, held: Mapping[UUID, UUID], *, lease_seconds: float) -> set[UUID]:
        """Extend leases."""


class HandsBack(Protocol):
    """Gives claims up, given as ids of rows by token. Returns the tokens that were valid."""

    def __call__(self, sql: Sql, held: Mapping[UUID, UUID]) -> set[UUID]:
        """Give claims up."""


class LeaseKeeper:
    """Renews all leases of the process in one statement, three times in the length of a lease.

    The steps go on while the database does not answer. This is safe: the database refuses a late write by its fencing
    token, each claim stores its result under its own object key, and the next round renews again.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease_seconds: float,
        renew: Renews = claims.renew_leases,
        hand_back: HandsBack = claims.hand_back,
    ) -> None:
        """Prepare the thread, for the claims of generations unless said otherwise."""
        self._database = database
        self._lease_seconds = lease_seconds
        self._renew, self._give_back = renew, hand_back
        self._held: dict[UUID, Lease] = {}
        self._is_over = False
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def start(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the thread. The remaining leases run out."""
        self._stop.set()
        self._thread.join()

    @property
    def count(self) -> int:
        """The number of claims of this process."""
        return len(self._held)

    @contextmanager
    def keep(self, claim: Held, *, since: float) -> Iterator[Lease]:
        """Renew a claim's lease during the block.

        Args:
            since: `time.monotonic()` from before the claim.
        """
        lease = Lease(claim.id, until=since + self._lease_seconds)
        with self._lock:
            self._held[claim.token] = lease
            if self._is_over:
                lease.lose()
        try:
            yield lease
        finally:
            self.end(claim)

    def end(self, claim: Held) -> None:
        """Forget the lease of a claim that has ended. The step may still send messages, and wait for Redis."""
        with self._lock:
            self._held.pop(claim.token, None)

    def hand_back(self) -> int:
        """Give up every claim of the process, so that other workers go on at once. Returns the number of claims.

        A process calls this method at its end. Steps that still run, and steps that begin later, have lost their lease.

        Raises:
            SQLAlchemyError: the database does not answer. The leases run out.
        """
        with self._lock:
            self._is_over = True
            held = dict(self._held)
        # Mark the leases before the statement: from now on, no step sends a create.
        for lease in held.values():
            lease.lose()
        if not held:
            return 0
        with self._database.statement() as statement:
            given = self._give_back(statement, {token: lease.generation_id for token, lease in held.items()})
        return len(given)

    def _run(self) -> None:
        while not self._stop.wait(self._lease_seconds / 3):
            try:
                self.renew()
            except SQLAlchemyError as error:
                log.warning("leases_not_renewed", error=type(error).__name__)

    def renew(self) -> None:
        """Renew every lease once, and mark the leases that the database did not renew as lost."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        asked_at = time.monotonic()
        with self._database.statement() as statement:
            ids = {token: lease.generation_id for token, lease in held.items()}
            good = self._renew(statement, ids, lease_seconds=self._lease_seconds)
        for token, lease in held.items():
            if token in good:
                lease.extend(until=asked_at + self._lease_seconds)
            else:
                lease.lose()
                LEASES_LOST.add()
