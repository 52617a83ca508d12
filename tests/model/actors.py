"""Actors: workers, customers and vendors that act one at a time, and that can be stopped between any two statements."""

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

# Real seconds; only a deadlock in the model itself takes that long.
_STUCK_SECONDS = 60


class Trouble(StrEnum):
    """What can happen to an actor at one of its points."""

    PAUSE = "pause"
    """It stands still until the model lets it go on."""
    DEATH = "death"
    """Its process is killed."""
    ERROR = "error"
    """The database breaks the connection once; at the vendor, a bug shows itself."""
    OUTAGE = "outage"
    """The database is away from here on, for as long as the actor tries."""


class Point(StrEnum):
    """Where trouble can strike."""

    STATEMENT = "statement"
    COMMIT = "commit"
    COMMITTED = "committed"
    """The commit has arrived, and its acknowledgement not yet."""
    VENDOR = "vendor"


@dataclass(frozen=True)
class Accident:
    """Trouble at an actor's n-th point, counted from 0."""

    at: int
    trouble: Trouble


class Died(BaseException):
    """Nothing of ours can catch a SIGKILL."""


class Unforeseen(Exception):
    """A bug, on purpose."""


class Actor:
    """Something done in a thread of its own; only one actor moves at any time."""

    def __init__(self, name: str, act: Callable[[], object], mood: Mood, accident: Accident | None = None) -> None:
        self.name = name
        self.mood = mood
        self.error: BaseException | None = None
        self.learned: list[str] = []
        """The vendors' ids that it was told."""
        self.has_waited_in_vain = False
        """It met a row that a paused actor has locked: in life, PostgreSQL ends such a transaction after a minute."""
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
        """Let it act until it is done or pauses; `trouble` strikes where it stands."""
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
        """Come to a point, where trouble may wait."""
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
    """That of the actor of this thread."""
    return _present.name


def mood() -> Mood:
    """That of the actor of this thread."""
    return _present.actor.mood if _present.actor else Mood()


def learn(remote_id: str) -> None:
    """The actor of this thread is told of work that a vendor accepted."""
    if _present.actor is not None:
        _present.actor.learned.append(remote_id)


@contextmanager
def unwatched() -> Iterator[None]:
    """What the actor of this thread does here is the model's business, and nothing strikes."""
    actor, _present.actor = _present.actor, None
    try:
        yield
    finally:
        _present.actor = actor


def reach(point: Point) -> None:
    """Have the actor of this thread, if there is one, come to a point."""
    if _present.actor is not None:
        _present.actor.reach(point)


def watch(database: Database) -> None:
    """Make every statement and commit a point of whoever does it."""
    database.dispose()
    event.listen(engine_of(database), "connect", _watch_connection)


class _WatchedCursor(psycopg.Cursor[tuple[Any, ...]]):
    """Every statement comes this way, whether SQLAlchemy made it or not."""

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
