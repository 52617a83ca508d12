"""Measures how long a killed worker's generations lay idle: from the kill to the next claim or move."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from schemas.settings import Settings

LOOK_EVERY_SECONDS: Final = 0.2
GIVE_UP_AFTER_SECONDS: Final = 90.0

# A claim or a move that the worker sent before the kill may still arrive.
_LAST_WORDS_SECONDS = 0.1

_HELD = """
    SELECT id, stage, attempt, split_part(holder, '#', 2)::int AS holder FROM generations
    WHERE lease_token IS NOT NULL AND wake_at IS NOT NULL AND split_part(holder, '#', 2) = ANY(%s)
    ORDER BY claimed_at DESC
"""
_NOW = "SELECT id, stage, attempt, 0 AS holder FROM generations WHERE id = ANY(%s)"


@dataclass(frozen=True)
class Held:
    """A generation that a worker holds."""

    id: UUID
    """The generation's id."""
    stage: str
    """The stage."""
    attempt: int
    """The number of the attempt."""
    holder: int
    """The process id of the worker."""


class Witness:
    """Reads rows directly from PostgreSQL, past all links, and waits while PostgreSQL is away."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._connection: psycopg.Connection[object] | None = None

    def held_by(self, pids: Sequence[int]) -> list[Held]:
        """The generations that these worker processes hold, or held when they died; the newest claim first."""
        return self._read(_HELD, [str(pid) for pid in pids])

    def as_they_are(self, generation_ids: Sequence[UUID]) -> list[Held]:
        """The present state of these generations."""
        return self._read(_NOW, list(generation_ids))

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _read(self, query: str, argument: object) -> list[Held]:
        hopeless_at = time.monotonic() + GIVE_UP_AFTER_SECONDS
        while True:
            try:
                if self._connection is None:
                    self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
                with self._connection.cursor(row_factory=class_row(Held)) as cursor:
                    return cursor.execute(query, [argument]).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > hopeless_at:
                    raise
                self._connection = None
                time.sleep(LOOK_EVERY_SECONDS)


def watch(witness: Witness, pids: Sequence[int], *, killed_at: float) -> list[float]:
    """Seconds from the kill (`time.monotonic()`) until each held generation was claimed again or moved.

    A generation that stays idle counts with `GIVE_UP_AFTER_SECONDS`.
    """
    time.sleep(_LAST_WORDS_SECONDS)
    waiting = {held.id: held for held in witness.held_by(pids)}
    seconds: list[float] = []
    while waiting:
        elapsed = time.monotonic() - killed_at
        if elapsed > GIVE_UP_AFTER_SECONDS:
            return [*seconds, *(GIVE_UP_AFTER_SECONDS for _ in waiting)]
        for now in witness.as_they_are(list(waiting)):
            before = waiting[now.id]
            if (now.stage, now.attempt) != (before.stage, before.attempt):
                del waiting[now.id]
                seconds.append(elapsed)
        time.sleep(LOOK_EVERY_SECONDS)
    return seconds
