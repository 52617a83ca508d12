"""Follows the drains of an operator: reports this process to the database, and closes the gate before new work.

The answer to a report says whether the process is to drain. So a drain needs no command over Redis. Nothing here waits
for work: a process that is busy goes on reporting.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import gethostname
from threading import Event, Thread
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from schemas import link_tokens
from schemas.settings import Settings
from storage import drains, secret_keys
from storage.database import Database
from storage.sql import Sql
from storage.taking import Taking

log = structlog.get_logger()

T = TypeVar("T")


class Draining:
    """Reports a process every second. While the database does not answer, nothing changes."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        name: str,
        taking: Taking,
        *,
        in_hand: Callable[[], int],
        follow: Callable[[bool], None] = lambda _takes: None,
    ) -> None:
        """Describe the process. `start` makes the first report.

        Args:
            name: the name of the node, such as `provider`.
            taking: the gate before new work.
            in_hand: returns the number of claims or messages that the process has.
            follow: hears after each report whether the process takes work, and returns at once.
        """
        self._database = database
        self._key = link_tokens.fingerprint(settings.secret_key.get_secret_value())
        self._node, self._pid = f"{name}@{gethostname()}", os.getpid()
        self._taking = taking
        self._in_hand = in_hand
        self._follow = follow
        self._over = Event()
        self._thread = Thread(target=self._run, name="draining", daemon=True)

    def start(self) -> None:
        """Make the first report, so that a drained process takes nothing at all, and go on in a thread."""
        self._noted(lambda sql: drains.begin(sql, self._node, self._pid))
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """Remove the report."""
        self._over.set()
        self._thread.join()
        self._noted(lambda sql: drains.leave(sql, self._node, self._pid))

    def _run(self) -> None:
        while not self._over.wait(drains.REPORT_SECONDS):
            self._look()

    def _look(self) -> None:
        """Report the process, and follow the answer."""
        must_drain = self._noted(self._report)
        is_changed = must_drain is not None and must_drain is self._taking.is_open
        if is_changed:
            self._change(takes=not must_drain)
        self._follow(self._taking.is_open)
        if is_changed:
            self._noted(self._report)  # the operator waits for this report

    def _report(self, sql: Sql) -> bool:
        # First the gate: work that comes through an open gate later belongs to a process that is not drained.
        is_drained = self._taking.is_closed
        secret_keys.signs(sql, self._key)
        return drains.report(sql, self._node, self._pid, in_hand=self._in_hand(), is_drained=is_drained)

    def _noted(self, write: Callable[[Sql], T]) -> T | None:
        """Write to the database. None if it does not answer: the next report follows in a second."""
        try:
            with self._database.statement() as sql:
                return write(sql)
        except SQLAlchemyError as error:
            log.warning("worker_not_reported", error=type(error).__name__)
            return None

    def _change(self, *, takes: bool) -> None:
        if takes:
            self._taking.open()
        else:
            self._taking.close()
        log.info("worker_undrained" if takes else "worker_drained", in_hand=self._in_hand())


@contextmanager
def following(draining: Draining) -> Iterator[None]:
    """Report the process while the block runs."""
    draining.start()
    try:
        yield
    finally:
        draining.stop()
