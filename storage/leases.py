"""The lease keeper: one thread a process that renews the leases of the claims its workers hold."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from schemas.errors import LeaseLost
from storage import claims
from storage.claims import Claim
from storage.database import Database

log = structlog.get_logger()


class Lease:
    """A claim's lease as its holder sees it.

    `until` is on the monotonic clock, which goes on while a process is stopped, and counts from before the statement
    that gave the lease: it ends here no later than in the database.
    """

    def __init__(self, generation_id: UUID, *, until: float) -> None:
        self.generation_id = generation_id
        self._until = until
        self._lost = threading.Event()

    def check(self) -> None:
        """Raise `LeaseLost` if another worker has taken over: long work calls this between its chunks.

        A lease that could not be renewed, and that nobody else took, is still good.
        """
        if self._lost.is_set():
            raise LeaseLost("the lease was not renewed in time")

    def fence(self) -> None:
        """Raise `LeaseLost` if another worker may have taken over: for what must never happen twice."""
        self.check()
        if time.monotonic() >= self._until:
            raise LeaseLost("the lease ran out before the request left")

    def extend(self, *, until: float) -> None:
        """The database has renewed it."""
        self._until = until

    def lose(self) -> None:
        """Mark the lease as lost."""
        self._lost.set()


class LeaseKeeper:
    """Renews all held leases three times a lease, in one statement.

    A database that does not answer is no reason to stop working: the fencing token keeps a late write out of the
    database, every claim has an object key of its own, and the next round renews again.
    """

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._held: dict[UUID, Lease] = {}
        self._is_over = False
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def start(self) -> Self:
        """Start renewing."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop renewing; what is still held runs out by itself."""
        self._stop.set()
        self._thread.join()

    @contextmanager
    def keep(self, claim: Claim, *, since: float) -> Iterator[Lease]:
        """Renew a claim's lease for the length of the block.

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
            with self._lock:
                del self._held[claim.token]

    def hand_back(self) -> int:
        """Give up every lease that is held, so that others go on at once; how many were still ours.

        For the end of a process: a step that goes on afterwards has lost its lease, as does one that begins.

        Raises:
            SQLAlchemyError: the database does not answer; the leases run out by themselves.
        """
        with self._lock:
            self._is_over = True
            held = dict(self._held)
        # First of all: from here on none of them sends a create.
        for lease in held.values():
            lease.lose()
        if not held:
            return 0
        with self._database.statement() as statement:
            given = claims.hand_back(statement, {token: lease.generation_id for token, lease in held.items()})
        return len(given)

    def _run(self) -> None:
        while not self._stop.wait(self._lease_seconds / 3):
            try:
                self.renew()
            except SQLAlchemyError as error:
                log.warning("leases_not_renewed", error=type(error).__name__)

    def renew(self) -> None:
        """One round: renew every held lease, and mark those that are no longer ours."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        asked_at = time.monotonic()
        with self._database.statement() as statement:
            ids = {token: lease.generation_id for token, lease in held.items()}
            good = claims.renew_leases(statement, ids, lease_seconds=self._lease_seconds)
        for token, lease in held.items():
            if token in good:
                lease.extend(until=asked_at + self._lease_seconds)
            else:
                lease.lose()
