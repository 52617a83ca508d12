"""Actors: workers, customers and vendors. One acts at a time, and each can be stopped between any two statements."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import psycopg
from psycopg.errors import LockNotAvailable
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

from storage.database import Database
from tests.model.clock import engine_of
from tests.model.moods import Mood

# Real seconds. Only a deadlock in the model itself takes this long.
_STUCK_SECONDS = 300


class Trouble(StrEnum):
    """Trouble for an actor at one of its points."""

    PAUSE = "pause"
    """The actor pauses until the model resumes it."""
    DEATH = "death"
    """SIGKILL of the actor's process."""
    ERROR = "error"
    """The database breaks the connection once. At the vendor: an unexpected error."""
    OUTAGE = "outage"
    """The database is away from now on, for as long as the actor tries."""


class Point(StrEnum):
    """The points at which trouble can strike."""

    STATEMENT = "statement"
    COMMIT = "commit"
    COMMITTED = "committed"
    """The commit has arrived; its acknowledgement has not."""
    VENDOR = "vendor"


@dataclass(frozen=True)
class Accident:
    """Trouble at one point of an actor."""

    at: int
    """The number of the point, from 0."""
    trouble: Trouble
    """The trouble."""


class Died(BaseException):
    """SIGKILL. Our code cannot catch it."""


class Unforeseen(Exception):
    """A simulated bug."""


class Actor:
    """An action in a separate thread. Only one actor moves at any time."""

    def __init__(self, name: str, act: Callable[[], object], mood: Mood, accident: Accident | None = None) -> None:
        self.name = name
        self.mood = mood
        self.error: BaseException | None = None
        self.learned: list[str] = []
        """The vendors' ids that the actor has learned."""
        self.has_waited_in_vain = False
        """Whether a paused actor's lock blocked this one. PostgreSQL ends such transactions after a minute."""
        self.is_done = False
        self._act = act
        self.was_troubled = False
        self._accident = accident
        self._points = 0
        self._lasting: Trouble | None = None
        self._may_act = threading.Semaphore(0)
        self._has_stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def go_on(self, trouble: Trouble | None = None) -> None:
        """Let the actor run until it ends or pauses. `trouble` strikes at its present point."""
        if trouble is not None:
            self._accident = Accident(self._points, trouble)
        self._may_act.release()
        if not self._has_stopped.acquire(timeout=_STUCK_SECONDS):
            raise RuntimeError(f"{self.name} neither ended nor paused")
        if self.is_done:
            self._thread.join()

    def _run(self) -> None:
        _present.actor, _present.name = self, self.name
        self._may_act.acquire()
        try:
            self._act()
        except BaseException as error:  # noqa: BLE001 -- the model looks at it
            self.error = error
        self.is_done = True
        self._has_stopped.release()

    def reach(self, point: Point) -> None:
        """Reach a point, where trouble may strike."""
        while self._accident and self._accident.at == self._points and self._accident.trouble is Trouble.PAUSE:
            self.was_troubled = True
            self._accident = None
            self._has_stopped.release()
            self._may_act.acquire()
        if self._accident and self._accident.at == self._points:
            self._lasting = self._accident.trouble
        self._points += 1
        trouble = self._lasting
        self.was_troubled |= trouble is not None
        if trouble is Trouble.ERROR:
            self._lasting = None
        if trouble is Trouble.DEATH:
            raise Died(self.name)
        if trouble is not None and point is Point.VENDOR:
            if trouble is Trouble.ERROR:
                raise Unforeseen(self.name)
        elif trouble is not None:
            raise psycopg.OperationalError(f"the model broke the connection at a {point}: {trouble}")


class _Present(threading.local):
    actor: Actor | None = None
    name: str = ""


_present = _Present()


def name() -> str:
    """The name of the actor in this thread."""
    return _present.name


def mood() -> Mood:
    """The mood of the actor in this thread."""
    return _present.actor.mood if _present.actor else Mood()


def learn(remote_id: str) -> None:
    """Record that the actor of this thread has learned of accepted work."""
    if _present.actor is not None:
        _present.actor.learned.append(remote_id)


@contextmanager
def unwatched() -> Iterator[None]:
    """Suspend troubles for the actor of this thread: the model itself acts here."""
    actor, _present.actor = _present.actor, None
    try:
        yield
    finally:
        _present.actor = actor


def reach(point: Point) -> None:
    """Let the actor of this thread, if any, reach a point."""
    if _present.actor is not None:
        _present.actor.reach(point)


def watch(database: Database) -> None:
    """Make every statement and commit a point of its actor."""
    database.dispose()
    event.listen(engine_of(database), "connect", _watch_connection)


class _WatchedCursor(psycopg.Cursor[tuple[Any, ...]]):
    """Every statement passes here, whether SQLAlchemy made it or not."""

    def execute(self, *args: Any, **kwargs: Any) -> Self:
        reach(Point.STATEMENT)
        try:
            super().execute(*args, **kwargs)
        except LockNotAvailable:
            if _present.actor is not None:
                _present.actor.has_waited_in_vain = True
            raise
        if self.connection.autocommit:
            reach(Point.COMMITTED)
        return self


def _watch_connection(connection: psycopg.Connection[tuple[Any, ...]], _entry: ConnectionPoolEntry) -> None:
    connection.cursor_factory = _WatchedCursor
    commit = connection.commit

    def watched_commit() -> None:
        reach(Point.COMMIT)
        commit()
        reach(Point.COMMITTED)

    connection.commit = watched_commit  # type: ignore[method-assign]  # this one connection's
