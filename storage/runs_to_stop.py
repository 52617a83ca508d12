"""Runs at servers of our own that did not answer. No generation waits for these runs, and a worker stops them later.

An account gets one try at a time: its server may hang, and each try would hold a thread. All rows of the account wait
for the end of the try, or until no try can last any longer.

The statements here change no stage, no ledger and no present run of a generation.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from schemas.names import ProviderName
from storage.claims import Claim
from storage.sql import Sql, returns

FIRST_PAUSE_SECONDS: Final = 5.0
"""The pause before the first try: the server has just been silent."""

_LONGEST_TRY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class StopWake:
    """A wake-up for a run to stop: the parts of its row that the message needs."""

    id: UUID
    """The row's id."""
    generation_id: UUID
    """The generation that the run was for."""
    tries: int
    """The tries so far."""
    turn: int
    """The tries so far at the account. A claim must match this number."""


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
    is_wanted: bool
    """Whether the generation has this very run at present, and has not ended."""


# A run that is given up during a try or a pause of its account waits for the end of both.
_ADD = """
    INSERT INTO runs_to_stop (generation_id, provider, model, remote_id, wake_at)
    VALUES (
        %(generation_id)s, %(provider)s::text, %(model)s, %(remote_id)s,
        greatest(
            clock_timestamp() + make_interval(secs => %(wait)s),
            (SELECT min(wake_at) FROM runs_to_stop WHERE provider = %(provider)s::text)
        )
    )
    ON CONFLICT (provider, remote_id) DO NOTHING
"""

# All due rows of an account are put off, and the one with the fewest tries is taken.
_TAKE_DUE = returns(StopWake)("""
    WITH due AS (
        SELECT id, provider, tries, wake_at FROM runs_to_stop WHERE wake_at <= now() FOR NO KEY UPDATE SKIP LOCKED
    ), firsts AS (
        SELECT DISTINCT ON (provider) id, provider, wake_at FROM due ORDER BY provider, tries, wake_at
    ), taken AS (
        SELECT id, provider FROM firsts ORDER BY wake_at LIMIT %(limit)s
    ), put_off AS (
        UPDATE runs_to_stop SET wake_at = clock_timestamp() + make_interval(secs => %(resend_after)s)
        FROM due JOIN taken USING (provider) WHERE runs_to_stop.id = due.id
        RETURNING runs_to_stop.id, generation_id, runs_to_stop.tries, turn
    )
    SELECT id, generation_id, tries, turn FROM put_off WHERE id IN (SELECT id FROM taken)
""")

# The lock lets one of several claims at an account through: the others find a later turn. A worker that dies leaves
# the rows due again.
_CLAIM = returns(Stopping)("""
    WITH account AS (
        SELECT id, turn FROM runs_to_stop
        WHERE provider = (SELECT provider FROM runs_to_stop WHERE id = %(id)s)
        ORDER BY id FOR NO KEY UPDATE
    ), claimed AS (
        UPDATE runs_to_stop SET
            turn = runs_to_stop.turn + 1,
            tries = tries + (runs_to_stop.id = %(id)s)::int,
            wake_at = greatest(wake_at, clock_timestamp() + make_interval(secs => %(longest)s))
        FROM account
        WHERE runs_to_stop.id = account.id AND EXISTS (SELECT FROM account WHERE id = %(id)s AND turn = %(turn)s)
        RETURNING runs_to_stop.*
    )
    SELECT id, generation_id, provider, model, remote_id, tries,
           extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_seconds,
           EXISTS (
               SELECT FROM generations WHERE generations.id = claimed.generation_id AND wake_at IS NOT NULL
               AND generations.provider = claimed.provider AND generations.remote_id = claimed.remote_id
           ) AS is_wanted
    FROM claimed WHERE id = %(id)s
""")

_PUT_OFF = """
    WITH account AS (SELECT id FROM runs_to_stop WHERE provider = %(provider)s ORDER BY id FOR NO KEY UPDATE)
    UPDATE runs_to_stop SET wake_at = now() + make_interval(secs => %(seconds)s)
    FROM account WHERE runs_to_stop.id = account.id
"""

_REMOVE = returns(UUID)("DELETE FROM runs_to_stop WHERE id = %(id)s RETURNING id")


def add(sql: Sql, claim: Claim, remote_id: str) -> None:
    """Remember a run of a claimed generation that is to be stopped. A run that is remembered already stays as it is."""
    sql.run(
        _ADD, generation_id=claim.id, provider=claim.route.provider, model=claim.route.model, remote_id=remote_id,
        wait=FIRST_PAUSE_SECONDS,
    )  # fmt: skip


def take_due(sql: Sql, *, limit: int, resend_after: float) -> list[StopWake]:
    """Take one due run of each of `limit` accounts. The next look at their rows is after `resend_after` seconds."""
    return sql.all(_TAKE_DUE, limit=limit, resend_after=resend_after)


def claim(sql: Sql, run_id: UUID, *, turn: int) -> Stopping | None:
    """Claim a try, and put all rows of the account off until no try can last any longer.

    Returns None if the row is gone, or if the account has had another try since the wake-up.

    Args:
        turn: the turn in the wake-up. Of several wake-ups of an account, only one can claim.
    """
    return sql.first(_CLAIM, id=run_id, turn=turn, longest=_LONGEST_TRY_SECONDS)


def put_off(sql: Sql, provider: ProviderName, *, seconds: float) -> None:
    """End a try: the rows of the account are due after `seconds`."""
    sql.run(_PUT_OFF, provider=provider, seconds=seconds)


def remove(sql: Sql, run_id: UUID) -> bool:
    """Forget a run. Returns False if another try has removed the row."""
    return sql.first(_REMOVE, id=run_id) is not None
