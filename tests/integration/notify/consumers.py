"""Runs a program that follows the stream, and checks that it handles each event once, whatever happens."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from notify.stream.entries import STREAM
from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage.database import Database
from tests.integration.gateway.finishing import fail
from tests.integration.notify.writing import moves, run
from tests.support import NewCustomer, a_generation, an_order, eventually

GROUP = "my-service"


@dataclass(frozen=True)
class Program:
    """A program that follows the stream."""

    command: Sequence[str | Path]
    """Its command."""
    settings: Settings
    """Where the stream is."""
    folder: Path
    """Where it keeps what it handled."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the program, and kill it at the end of the block."""
        variables = {"REDIS_URL": self.settings.redis_url, "IDLE_MS": "300", "PYTHONUNBUFFERED": "1"}
        with (
            (self.folder / "output").open("ab") as output,
            subprocess.Popen(self.command, cwd=self.folder, env={**os.environ, **variables}, stdout=output) as process,
        ):
            try:
                yield
                assert process.poll() is None, "the program ended"
            finally:
                process.kill()

    def handled(self) -> list[int]:
        """The events that were handled."""
        return [event_id for (event_id,) in self._rows("SELECT event_id FROM seen ORDER BY event_id")]

    def threads(self) -> set[tuple[str, str]]:
        """Each thread with the state of its generation."""
        return set(self._rows("SELECT thread, status FROM threads"))

    def lines(self) -> int:
        """The number of times that the program handled an event."""
        return (self.folder / "output").read_bytes().count(b"generation.")

    def _rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "events.sqlite")) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:  # the program has not made its tables
                return []


def check_program(program: Program, database: Database, redis: Redis, customer: NewCustomer) -> None:
    """Check a program while a process writes the stream."""
    order = an_order().model_copy(update={"metadata": {"thread": "t-1"}})

    def make() -> None:
        generation_id = a_generation(database, program.settings, customer, order)
        fail(database, program.settings, generation_id, ErrorCode.INTERNAL, "it broke")

    def make_and_wait() -> None:
        make()
        eventually(program.handled, lambda found: found == moves(database))

    def act() -> None:
        with program.running():
            make_and_wait()
            redis.flushdb()
            make_and_wait()
            redis.delete(STREAM)
            make_and_wait()
        make()
        assert eventually(lambda: redis.xreadgroup(GROUP, "dead", {STREAM: ">"}), bool)
        with program.running():
            make_and_wait()
            eventually(lambda: redis.xpending(STREAM, GROUP)["pending"], lambda count: count == 0)

    run(program.settings, lambda _: asyncio.to_thread(act))
    assert program.lines() == len(moves(database))
    assert program.threads() == {("t-1", "failed")}
