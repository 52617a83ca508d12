"""Reads in a thread, so that a slow database never holds up the screen."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final

from redis.exceptions import RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session

from cli.outages import in_words
from cli.top.presence import Presence
from cli.top.questions import Answer, Question, TimelineFound
from cli.top.situation import Queues, Situation, read_figures, read_queues
from schemas.settings import Settings
from storage import details, generations, timeline, timeline_document
from storage.database import Database
from storage.sql import of
from storage.watching import lists as watch_lists
from storage.watching.search import search

_PART_OF_TIME: Final = 0.1
"""The most of the time in which the database works for one screen. Slow readings follow each other more slowly."""

_RETRY_SECONDS: Final = 10.0
"""The longest pause after a reading that the database did not answer."""

_END_SECONDS: Final = 1.0

_NOTHING = Situation(figures=None, queues=None, workers=None, missing_roles=(), troubles=(), took_seconds=0.0)


@dataclass(frozen=True)
class Reading:
    """The results of one reading."""

    situation: Situation
    """The state of the whole system."""
    question: Question
    """The question that the answer is for."""
    answer: Answer
    """The answer."""
    has_answer: bool
    """Whether the database answered the question."""


class Source:
    """Reads the situation and answers questions. One thread uses it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings.database_url, pool_size=1, watcher="reelworks top")
        self._presence = Presence(settings)
        self._presence.start()
        self._last = _NOTHING

    @property
    def place(self) -> str:
        """The host of the database."""
        url = make_url(self._settings.database_url)
        return f"{url.host}:{url.port or 5432}"

    def close(self) -> None:
        """Close the connections."""
        self._presence.stop()
        self._database.dispose()

    def listen(self) -> None:
        """Wait until the living workers are known."""
        self._presence.wait()

    def read(self, question: Question, *, with_figures: bool) -> Reading:
        """Answer a question, and read the situation. A part that does not answer is a trouble of the situation.

        Args:
            with_figures: read the figures of the database again. False: repeat the last ones.
        """
        began = time.monotonic()
        troubles: list[str] = []
        figures, answer, has_answer = self._last.figures, None, False
        try:
            with self._database.transaction() as session:
                details.in_one_snapshot(session)
                answer, has_answer = _answer(session, question), True
                if with_figures:
                    figures = read_figures(session, self._settings)
        except Exception as error:  # noqa: BLE001 -- the screen shows any error, and the next reading follows
            troubles.append(self._explained(error))
        took = time.monotonic() - began if with_figures else self._last.took_seconds
        queues = self._queues(troubles)
        if self._presence.trouble is not None:
            troubles.append(self._presence.trouble)
        self._last = Situation(figures, queues, self._presence.living(), self._presence.missing(), troubles, took)
        return Reading(self._last, question, answer, has_answer)

    def _queues(self, troubles: list[str]) -> Queues | None:
        try:
            return read_queues(self._settings)
        except RedisError as error:
            troubles.append(self._explained(error))
            return None

    def _explained(self, error: Exception) -> str:
        if isinstance(error, ProgrammingError):
            return "the database has not our tables: run `reelworks migrate`"
        return in_words(error, self._settings) or f"{type(error).__name__}: {error}"


class Reader:
    """Reads again and again, and at once when the question changes. Closes its source at the end."""

    def __init__(self, source: Source, show: Callable[[Reading], None], *, every_seconds: float) -> None:
        """Prepare the reader.

        Args:
            show: takes each reading, in the reader's thread.
            every_seconds: the time between two readings of the figures.
        """
        self._source, self._show, self._every_seconds = source, show, every_seconds
        self._lock = Lock()
        self._question = Question()
        self._woken, self._over = Event(), Event()
        self._is_due = True
        self._thread = Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no longer, and close the source. A reading that takes long ends with the process."""
        self._over.set()
        self._woken.set()
        self._thread.join(_END_SECONDS)

    def ask(self, question: Question) -> None:
        """Answer this question from now on."""
        with self._lock:
            self._question = question
        self._woken.set()

    def refresh(self) -> None:
        """Read the figures at once."""
        self._is_due = True
        self._woken.set()

    def _run(self) -> None:
        try:
            self._read()
        finally:
            self._source.close()

    def _read(self) -> None:
        due_at = 0.0
        while not self._over.is_set():
            self._woken.clear()
            with self._lock:
                question = self._question
            is_due = self._is_due or time.monotonic() >= due_at
            self._is_due = False
            reading = self._source.read(question, with_figures=is_due)
            if is_due:
                due_at = time.monotonic() + self._pause(reading)
            self._show(reading)
            self._woken.wait(max(0.0, due_at - time.monotonic()))

    def _pause(self, reading: Reading) -> float:
        """The pause after a reading. Without an answer it is short: the database may be back at any time."""
        quiet = reading.situation.took_seconds * (1 / _PART_OF_TIME - 1)
        return max(self._every_seconds, quiet if reading.has_answer else min(quiet, _RETRY_SECONDS))


def _answer(session: Session, question: Question) -> Answer:
    if question.generation_id is not None:
        row = generations.find(session, question.generation_id)
        if row is None:
            return None
        found = timeline.records(session, row)
        return TimelineFound(timeline_document.for_operators(found), found.now)
    if question.text is not None:
        return search(of(session), question.text)
    return watch_lists.listed(of(session), question.view, question.stage)
