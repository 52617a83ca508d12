"""Runs that no generation waits for, at servers of our own that did not answer. A worker stops them later.

A row is work of its own: nothing here reads or writes the stage, the ledger or the present run of a generation.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from schemas.names import ProviderName
from storage.claims import Claim
from storage.sql import Sql, returns

FIRST_PAUSE_SECONDS: Final = 5.0
"""The pause before the first try: the server has just been silent."""


@dataclass(frozen=True, slots=True)
class StopWake:
    """A wake-up for a run to stop: the parts of its row that the message needs."""

    id: UUID
    """The row's id."""
    tries: int
    """The tries so far. A claim must match this number."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """A claimed try to stop a run."""

    id: UUID
    """The row's id."""
    generation_id: UUID
    """The generation that the run was for."""
    provider: ProviderName
    """The account of the server."""
    model: str
    """The server's name of the model."""
    remote_id: str
    """The server's id of the run."""
    tries: int
    """The tries so far, with this one."""
    age_seconds: float
    """The seconds since the run was given up."""


_ADD = """
    INSERT INTO runs_to_stop (generation_id, provider, model, remote_id, wake_at)
    VALUES (
        %(generation_id)s, %(provider)s, %(model)s, %(remote_id)s, clock_timestamp() + make_interval(secs => %(wait)s)
    )
    ON CONFLICT (provider, remote_id) DO NOTHING
"""

_TAKE_DUE = returns(StopWake)("""
    WITH due AS (
        SELECT id FROM runs_to_stop WHERE wake_at <= now() ORDER BY wake_at LIMIT %(limit)s
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE runs_to_stop SET wake_at = clock_timestamp() + make_interval(secs => %(resend_after)s)
    FROM due WHERE runs_to_stop.id = due.id
    RETURNING runs_to_stop.id, tries
""")

# The claim is the plan of the next try. A worker that dies leaves the row due again.
_CLAIM = returns(Stopping)("""
    UPDATE runs_to_stop SET tries = tries + 1, wake_at = clock_timestamp() + make_interval(secs => %(pause)s)
    WHERE id = %(id)s AND tries = %(tries)s
    RETURNING id, generation_id, provider, model, remote_id, tries,
              extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_seconds
""")

_REMOVE = returns(UUID)("DELETE FROM runs_to_stop WHERE id = %(id)s RETURNING id")


def add(sql: Sql, claim: Claim, remote_id: str) -> None:
    """Remember a run of a claimed generation that is to be stopped. A run that is remembered already stays as it is."""
    sql.run(
        _ADD, generation_id=claim.id, provider=claim.route.provider, model=claim.route.model, remote_id=remote_id,
        wait=FIRST_PAUSE_SECONDS,
    )  # fmt: skip


def take_due(sql: Sql, *, limit: int, resend_after: float) -> list[StopWake]:
    """Take runs that are due, oldest first, and put their next look off by `resend_after` seconds."""
    return sql.all(_TAKE_DUE, limit=limit, resend_after=resend_after)


def claim(sql: Sql, run_id: UUID, *, tries: int, pause: float) -> Stopping | None:
    """Claim a try. Returns None if the row is gone, or if another worker has had this try.

    Args:
        tries: the tries in the wake-up. Of several copies of a wake-up, only one can claim.
        pause: seconds until the next try, unless this one removes the row.
    """
    return sql.first(_CLAIM, id=run_id, tries=tries, pause=pause)


def remove(sql: Sql, run_id: UUID) -> bool:
    """Forget a run. Returns False if another try has removed the row."""
    return sql.first(_REMOVE, id=run_id) is not None
