"""What a worker does with a generation: claim a stage, move it on, or give it up.

A claim is one conditional UPDATE that gets a fencing token; every later write of that claim names the token, so a
worker that lost its lease writes nothing. A move, its event, its ledger entries and the next `wake_at` are one
transaction of the caller's. All times are the database's clock.

Every step of every generation does this, so each is one statement: a move tells of itself in the same round trip.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from sqlalchemy import Row, TextClause, text

from schemas.enums import ErrorCode, Kind, Stage
from schemas.errors import LeaseLost
from schemas.names import ProviderName
from schemas.orders import Order, Route
from schemas.stages import AWAITS_CALLBACK, CANCELLABLE, TERMINAL, is_allowed, progress_within
from storage import ledger
from storage.generations import IS_FREE
from storage.statements import Executor

# A refused submit goes back from `submitting` to `queued`: its failures add up over both.
_ONE_TRY = frozenset({Stage.QUEUED, Stage.SUBMITTING})

_WITHOUT_RESULT = frozenset({Stage.FAILED, Stage.CANCELLED})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a worker needs to know of a generation: the columns of these names, as they were at one moment."""

    id: UUID
    customer_id: UUID
    kind: Kind
    order: dict[str, object]
    credits: int
    stage: Stage
    stage_at: datetime
    wake_at: datetime | None
    deadline_at: datetime
    attempt: int
    failures: int
    crashes: int
    claimed_at: datetime
    cancel_requested_at: datetime | None
    cancel_sent_at: datetime | None
    provider: ProviderName
    route_index: int
    remote_id: str | None
    remote_links: dict[str, str]
    result_urls: list[str]
    object_key: str | None
    download: dict[str, object] | None

    @classmethod
    def of(cls, row: Row[Any]) -> "Snapshot":
        """What a statement returned of `_COLUMNS`."""
        values = row._asdict()
        for name, kind in _ENUMS.items():
            values[name] = kind(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Claim:
    """A worker's right to advance a generation for as long as its lease lasts.

    `generation` is the row as it was when this worker last wrote to it.
    """

    generation: Snapshot
    token: UUID

    @property
    def id(self) -> UUID:
        """The generation's id."""
        return self.generation.id

    @cached_property
    def order(self) -> Order:
        """What was ordered; read from the row once."""
        return Order.model_validate(self.generation.order)

    @property
    def route(self) -> Route:
        """The route that serves it now."""
        return self.order.routes[self.generation.route_index]

    @property
    def seconds_in_stage(self) -> float:
        """How long the generation had been in its stage when it was claimed."""
        return (self.generation.claimed_at - self.generation.stage_at).total_seconds()


def claim(
    executor: Executor,
    generation_id: UUID,
    stages: Iterable[Stage],
    *,
    attempt: int,
    lease_seconds: float,
    holder: str = "",
) -> Claim | None:
    """Take a generation that stands in one of `stages` and that nobody holds; None if it moved on or is held.

    `attempt` is the one that the wake-up was sent for: of its copies, one claims, and the others come to nothing.
    `holder` names the worker, for people.
    A claim whose worker died without giving it up counts as a crash.
    """
    token = uuid4()
    given = {
        "id": generation_id,
        "stages": [stage.value for stage in stages],
        "attempt": attempt,
        "token": token,
        "lease_seconds": lease_seconds,
        "holder": holder,
    }
    row = executor.execute(_CLAIM, given).one_or_none()
    return None if row is None else Claim(Snapshot.of(row), token)


def move(
    executor: Executor,
    held: Claim,
    target: Stage,
    *,
    wake_in: float,
    keep_lease: bool = False,
    event: Mapping[str, object] | None = None,
    values: Mapping[str, object] | None = None,
) -> Claim:
    """Move a claimed generation to another stage; the only place where `stage` changes.

    Args:
        wake_in: seconds until somebody must look at it again; ignored when `target` is terminal.
        keep_lease: go on with the same claim in the new stage.
        event: what the event row tells of the move.
        values: further columns to set. `failures` and `crashes` start again from 0 by themselves, save on the way from
            `queued` to `submitting` and back.

    Raises:
        ValueError: the move is not in `schemas.stages.MOVES`.
        LeaseLost: the claim is no longer this worker's.
    """
    origin = held.generation.stage
    if not is_allowed(origin, target):
        raise ValueError(f"a generation cannot move from {origin} to {target}")
    changes = {
        "stage": ":stage",
        "stage_at": "clock_timestamp()",
        **({} if target in _ONE_TRY else {"failures": "0", "crashes": "0"}),
        **({"submission": ":claim_token"} if target is Stage.SUBMITTING else {}),
        **({} if target in _WITHOUT_RESULT else {"progress": "greatest(progress, :progress)"}),
        **({} if keep_lease else _lease_given_up(_next_wake(target))),
        **({"finished_at": "clock_timestamp()"} if target in TERMINAL else {}),
    }
    given = {
        "stage": target,
        **({} if target in _WITHOUT_RESULT else {"progress": progress_within(target, 0.0)}),
        **({} if keep_lease or target in TERMINAL else {"wake_in": wake_in}),
    }
    return _write(executor, held, changes, given, values=values, event=dict(event or {}))


def put_back(
    executor: Executor,
    held: Claim,
    *,
    wake_in: float,
    resets_failures: bool = True,
    restarts_stage: bool = False,
    progress: float | None = None,
    values: Mapping[str, object] | None = None,
) -> Claim:
    """Give a claim up and leave the generation in its stage until `wake_in` seconds from now.

    Args:
        resets_failures: the step went well, so that earlier failures are forgotten.
        restarts_stage: the time in this stage is counted from now.
        progress: fraction 0..1 of the stage that is done, if known.
        values: further columns to set.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    stage = held.generation.stage
    changes = {
        **({"failures": "0", "crashes": "0"} if resets_failures else {}),
        **({"stage_at": "clock_timestamp()"} if restarts_stage else {}),
        **({} if progress is None else {"progress": "greatest(progress, :progress)"}),
        **_lease_given_up(_next_wake(stage)),
    }
    given = {
        "wake_in": wake_in,
        **({} if progress is None else {"progress": progress_within(stage, progress)}),
    }
    return _write(executor, held, changes, given, values=values)


def fail(executor: Executor, held: Claim, code: ErrorCode, message: str) -> Claim:
    """End a claimed generation as failed and release its hold.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    failed = move(
        executor,
        held,
        Stage.FAILED,
        wake_in=0,
        event={"code": code, "message": message},
        values={"error_code": code, "error_message": message},
    )
    ledger.release(executor, held.generation.customer_id, held.id)
    return failed


def cancel(executor: Executor, held: Claim, *, is_charged: bool, event: Mapping[str, object]) -> Claim:
    """End a claimed generation as cancelled, and capture or release its hold.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    cancelled = move(executor, held, Stage.CANCELLED, wake_in=0, event=event)
    settle = ledger.capture if is_charged else ledger.release
    settle(executor, held.generation.customer_id, held.id)
    return cancelled


def require_no_callback_since(executor: Executor, held: Claim) -> None:
    """Lock a claimed generation that no callback has come for since the claim, to the end of the transaction.

    Raises:
        LeaseLost: a callback came, or the claim is no longer this worker's.
    """
    if executor.execute(_UNLESS_CALLED_BACK, {"id": held.id, "token": held.token}).one_or_none() is None:
        raise LeaseLost(f"generation {held.id} is no longer this worker's, or a callback came")


def record_cancel_sent(executor: Executor, held: Claim) -> Claim:
    """Remember that the provider was asked to stop, and has answered.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    return _write(executor, held, {"cancel_sent_at": "clock_timestamp()"}, {})


def record_progress(executor: Executor, held: Claim, fraction: float) -> None:
    """Show how much of the claimed stage is done (0..1). Progress never goes back.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    percent = progress_within(held.generation.stage, fraction)
    _write(executor, held, {"progress": "greatest(progress, :progress)"}, {"progress": percent})


def renew_leases(executor: Executor, held: Mapping[UUID, UUID], *, lease_seconds: float) -> set[UUID]:
    """Extend leases, given as generation ids by token; the tokens that are still good.

    Past its deadline a generation is not held any longer, whatever its worker is stuck in.
    """
    given = {"ids": list(held.values()), "tokens": list(held), "lease_seconds": lease_seconds}
    return set(executor.execute(_RENEW, given).scalars())


def hand_back(executor: Executor, held: Mapping[UUID, UUID]) -> set[UUID]:
    """Give up claims whose steps are not over, given as generation ids by token; the tokens that were still good.

    The rows stay in their stages and are due at once. It is no failure: unlike a dead worker's, such a claim leaves no
    token behind.
    """
    given = set(executor.execute(_HAND_BACK, {"ids": list(held.values()), "tokens": list(held)}).scalars())
    return {token for token, generation_id in held.items() if generation_id in given}


# Quoted: one of them is `order`.
_COLUMNS = ", ".join(f'"{field.name}"' for field in fields(Snapshot))
_ENUMS: dict[str, type[StrEnum]] = {"kind": Kind, "stage": Stage}

_CLAIM = text(f"""
    UPDATE generations SET
        lease_token = :token,
        lease_until = clock_timestamp() + make_interval(secs => :lease_seconds),
        -- A lease whose worker died is a wake-up like any other.
        wake_at = clock_timestamp() + make_interval(secs => :lease_seconds),
        claimed_at = clock_timestamp(),
        holder = :holder,
        attempt = attempt + 1,
        crashes = crashes + (lease_token IS NOT NULL)::int
    WHERE id = :id AND stage = ANY(:stages) AND attempt = :attempt AND {IS_FREE}
    RETURNING {_COLUMNS}
""")  # noqa: S608 -- built of constants

_RENEW = text("""
    UPDATE generations SET
        lease_until = clock_timestamp() + make_interval(secs => :lease_seconds),
        wake_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    WHERE id = ANY(:ids) AND lease_token = ANY(:tokens) AND (deadline_at > now() OR stage = 'settling')
    RETURNING lease_token
""")

_UNLESS_CALLED_BACK = text("""
    SELECT id FROM generations
    WHERE id = :id AND lease_token = :token AND coalesce(callback_at <= claimed_at, true)
    FOR UPDATE
""")

_HAND_BACK = text("""
    UPDATE generations SET lease_token = NULL, lease_until = NULL, wake_at = clock_timestamp()
    WHERE id = ANY(:ids) AND lease_token = ANY(:tokens)
    RETURNING id
""")

_WRITE = f"""
    UPDATE generations SET {{changes}}
    WHERE id = :claim_id AND lease_token = :claim_token AND stage = :claim_stage
    RETURNING {_COLUMNS}
"""  # noqa: S608 -- built of constants

_WRITE_WITH_EVENT = f"""
    WITH moved AS ({_WRITE}), noted AS (
        INSERT INTO events (generation_id, origin, stage, name, data)
        SELECT id, :claim_stage, stage, 'moved', :event FROM moved
    )
    SELECT {_COLUMNS} FROM moved
"""  # noqa: S608 -- built of constants


def _write(
    executor: Executor,
    held: Claim,
    changes: Mapping[str, str],
    given: Mapping[str, object],
    *,
    values: Mapping[str, object] | None = None,
    event: Mapping[str, object] | None = None,
) -> Claim:
    """Change a claimed row, and tell of it in the same statement.

    Args:
        changes: SQL by column.
        given: what the SQL of `changes` names.
        values: more columns with plain values; they win.
        event: what the event row tells, if there is one.
    """
    values = values or {}
    assignments = {**changes, **{column: f":{column}" for column in values}}
    parameters = {
        "claim_id": held.id,
        "claim_token": held.token,
        "claim_stage": held.generation.stage,
        **given,
        **{column: Jsonb(value) if isinstance(value, dict | list) else value for column, value in values.items()},
        **({} if event is None else {"event": Jsonb(event)}),
    }
    template = _WRITE if event is None else _WRITE_WITH_EVENT
    row = executor.execute(_statement(template, tuple(assignments.items())), parameters).one_or_none()
    if row is None:
        raise LeaseLost(f"generation {held.id} is no longer this worker's")
    return Claim(Snapshot.of(row), held.token)


@lru_cache
def _statement(template: str, assignments: tuple[tuple[str, str], ...]) -> TextClause:
    """A write of these columns."""
    return text(template.format(changes=", ".join(f"{column} = {sql}" for column, sql in assignments)))


def _next_wake(stage: Stage) -> str:
    """When to look again: in `wake_in` seconds, at the deadline, or at once if something came since the claim."""
    if stage in TERMINAL:
        return "NULL"
    asked = "clock_timestamp() + make_interval(secs => :wake_in)"
    if stage is Stage.SETTLING:
        # Settling is past every deadline: the result is stored, and only our own database is needed.
        return asked
    waited = f"least({asked}, deadline_at)"
    came = [
        *(["callback_at"] if stage in AWAITS_CALLBACK else []),
        *(["cancel_requested_at"] if stage in CANCELLABLE else []),
    ]
    if not came:
        return waited
    return f"CASE WHEN greatest({', '.join(came)}) > claimed_at THEN clock_timestamp() ELSE {waited} END"


def _lease_given_up(wake_at: str) -> dict[str, str]:
    return {"lease_token": "NULL", "lease_until": "NULL", "wake_at": wake_at}
