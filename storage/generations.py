"""Generations: every way in which a row may change.

A worker claims a stage with one conditional UPDATE and gets a fencing token; every later write of that claim names the
token, so a worker that lost its lease writes nothing. A move, its event, its ledger entries and the next `wake_at` are
one transaction of the caller's. All times are the database's clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Interval, case, cast, func, or_, text, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import Session, col, select

from schemas.enums import ErrorCode, Stage
from schemas.errors import LeaseLost
from schemas.orders import Order, Route
from schemas.stages import AWAITS_CALLBACK, CANCELLABLE, TERMINAL, is_allowed, progress_within
from schemas.tables import Event, Generation
from storage import ledger

# A refused submit goes back from `submitting` to `queued`: its failures add up over both.
_ONE_TRY = frozenset({Stage.QUEUED, Stage.SUBMITTING})


@dataclass(frozen=True)
class Claim:
    """A worker's right to advance a generation for as long as its lease lasts.

    `generation` is the row as it was claimed; read it, never write to it.
    """

    generation: Generation
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


@dataclass(frozen=True)
class Wake:
    """What a wake-up message needs to know of a generation."""

    generation_id: UUID
    stage: Stage
    attempt: int


def find(session: Session, generation_id: UUID, *, customer_id: UUID | None = None) -> Generation | None:
    """A generation, if it exists and, where a customer is named, is theirs."""
    statement = select(Generation).where(Generation.id == generation_id)
    if customer_id is not None:
        statement = statement.where(Generation.customer_id == customer_id)
    return session.exec(statement).one_or_none()


def database_now(session: Session) -> datetime:
    """The database's clock, in UTC: the one that `wake_at`, leases and deadlines are measured by."""
    moment: datetime = session.exec(select(func.clock_timestamp())).one()
    return moment.astimezone(UTC)


def claim(
    session: Session,
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
    until = _from_now(lease_seconds)
    statement = (
        update(Generation)
        .where(col(Generation.id) == generation_id, col(Generation.stage).in_(list(stages)), is_free())
        .where(col(Generation.attempt) == attempt)
        .values(
            lease_token=token,
            lease_until=until,
            # A lease whose worker died is a wake-up like any other.
            wake_at=until,
            claimed_at=func.clock_timestamp(),
            holder=holder,
            attempt=Generation.attempt + 1,
            crashes=Generation.crashes + case((col(Generation.lease_token).is_not(None), 1), else_=0),
        )
        .returning(Generation)
    )
    row = _returned(session, statement)
    return None if row is None else Claim(row, token)


def move(
    session: Session,
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
    changes: dict[str, object] = {
        "stage": target,
        "stage_at": func.clock_timestamp(),
        **({} if target in _ONE_TRY else {"failures": 0, "crashes": 0}),
        **({"submission": held.token} if target is Stage.SUBMITTING else {}),
        **(values or {}),
        **_progress(target),
    }
    if not keep_lease:
        changes |= _lease_given_up(_next_wake(target, wake_in))
    if target in TERMINAL:
        changes["finished_at"] = func.clock_timestamp()
    moved = _write(session, held, changes)
    session.add(Event(generation_id=held.id, origin=origin, stage=target, data=dict(event or {})))
    session.flush()
    return moved


def put_back(
    session: Session,
    held: Claim,
    *,
    wake_in: float,
    resets_failures: bool = True,
    progress: float | None = None,
    values: Mapping[str, object] | None = None,
) -> None:
    """Give a claim up and leave the generation in its stage until `wake_in` seconds from now.

    Args:
        resets_failures: the step went well, so that earlier failures are forgotten.
        progress: fraction 0..1 of the stage that is done, if known.
        values: further columns to set.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    stage = held.generation.stage
    changes: dict[str, object] = {
        **({"failures": 0, "crashes": 0} if resets_failures else {}),
        **_lease_given_up(_next_wake(stage, wake_in)),
        **(values or {}),
    }
    if progress is not None:
        changes["progress"] = func.greatest(Generation.progress, progress_within(stage, progress))
    _write(session, held, changes)


def fail(session: Session, held: Claim, code: ErrorCode, message: str) -> None:
    """End a claimed generation as failed and release its hold.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    move(
        session,
        held,
        Stage.FAILED,
        wake_in=0,
        event={"code": code, "message": message},
        values={"error_code": code, "error_message": message},
    )
    ledger.release(session, held.generation.customer_id, held.id)


def cancel(session: Session, held: Claim, *, is_charged: bool, event: Mapping[str, object]) -> None:
    """End a claimed generation as cancelled, and capture or release its hold.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    move(session, held, Stage.CANCELLED, wake_in=0, event=event)
    settle = ledger.capture if is_charged else ledger.release
    settle(session, held.generation.customer_id, held.id)


def require_no_callback_since(session: Session, held: Claim) -> None:
    """Lock a claimed generation that no callback has come for since the claim, to the end of the transaction.

    Raises:
        LeaseLost: a callback came, or the claim is no longer this worker's.
    """
    row = select(Generation.id).where(
        Generation.id == held.id,
        Generation.lease_token == held.token,
        func.coalesce(col(Generation.callback_at) <= col(Generation.claimed_at), True),
    )
    if session.exec(row.with_for_update()).one_or_none() is None:
        raise LeaseLost(f"generation {held.id} is no longer this worker's, or a callback came")


def record_cancel_sent(session: Session, held: Claim) -> None:
    """Remember that the provider was asked to stop, and has answered.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    _write(session, held, {"cancel_sent_at": func.clock_timestamp()})


def record_progress(session: Session, held: Claim, fraction: float) -> None:
    """Show how much of the claimed stage is done (0..1). Progress never goes back.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    percent = progress_within(held.generation.stage, fraction)
    _write(session, held, {"progress": func.greatest(Generation.progress, percent)})


def renew_leases(session: Session, held: Mapping[UUID, UUID], *, lease_seconds: float) -> set[UUID]:
    """Extend leases, given as generation ids by token; the tokens that are still good.

    Past its deadline a generation is not held any longer, whatever its worker is stuck in.
    """
    until = _from_now(lease_seconds)
    statement = (
        update(Generation)
        .where(col(Generation.id).in_(list(held.values())), col(Generation.lease_token).in_(list(held)))
        .where(or_(col(Generation.deadline_at) > func.now(), col(Generation.stage) == Stage.SETTLING))
        .values(lease_until=until, wake_at=until)
        .returning(col(Generation.lease_token))
    )
    return {token for token in session.scalars(statement, execution_options={"synchronize_session": False}) if token}


def make_due(session: Session, wake: Wake) -> None:
    """Leave a wake-up that was not sent to the waker: without this it would wait until `resend_after` has passed."""
    session.execute(
        update(Generation)
        .where(col(Generation.id) == wake.generation_id, col(Generation.attempt) == wake.attempt, is_free())
        .where(col(Generation.stage) == wake.stage)
        .values(wake_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )


def take_due(session: Session, stages: Iterable[Stage], *, limit: int, resend_after: float) -> list[Wake]:
    """Pick generations that must be looked at now, and put their next look off by `resend_after` seconds.

    Customers take turns: the first due generation of each, then the second of each, so that one customer's burst does
    not delay the others. Rows that another waker is picking are skipped.
    """
    rows = session.execute(
        TAKE_DUE, {"stages": [stage.value for stage in stages], "limit": limit, "resend_after": resend_after}
    )
    return [Wake(generation_id=row.id, stage=Stage(row.stage), attempt=row.attempt) for row in rows]


# now(), the start of the transaction: with clock_timestamp(), which may change from row to row, no index would serve.
# IS TRUE, in `picked`, is there so that none does: PostgreSQL expects few due rows, and would go through all of them
# again for each that it picks, instead of fetching that one by its id.
TAKE_DUE = text("""
    WITH due AS (
        SELECT id, wake_at, row_number() OVER (PARTITION BY customer_id ORDER BY wake_at, id) AS turn
        FROM generations
        WHERE wake_at <= now() AND stage = ANY(:stages) AND (lease_until IS NULL OR lease_until < now())
    ), first AS (
        SELECT id FROM due ORDER BY turn, wake_at LIMIT :limit
    ), picked AS (
        SELECT generations.id
        FROM first JOIN generations USING (id)
        WHERE (generations.wake_at <= now()) IS TRUE AND generations.stage = ANY(:stages)
        FOR UPDATE OF generations SKIP LOCKED
    )
    UPDATE generations SET wake_at = clock_timestamp() + make_interval(secs => :resend_after)
    FROM picked WHERE generations.id = picked.id
    RETURNING generations.id, generations.stage, generations.attempt
""")


def is_free() -> ColumnElement[bool]:
    """That no worker holds the row: it has no lease, or one that ran out."""
    return or_(col(Generation.lease_until).is_(None), col(Generation.lease_until) < func.clock_timestamp())


def due_unless_held() -> ColumnElement[datetime | None]:
    """The next look: now; or, while a worker holds the row, as it is: whoever gives it up sees what came meanwhile."""
    return case((is_free(), func.clock_timestamp()), else_=Generation.wake_at)


def hand_back(session: Session, held: Mapping[UUID, UUID]) -> set[UUID]:
    """Give up claims whose steps are not over, given as generation ids by token; the tokens that were still good.

    The rows stay in their stages and are due at once. It is no failure: unlike a dead worker's, such a claim leaves no
    token behind.
    """
    statement = (
        update(Generation)
        .where(col(Generation.id).in_(list(held.values())), col(Generation.lease_token).in_(list(held)))
        .values(**_lease_given_up(func.clock_timestamp()))
        .returning(col(Generation.id))
    )
    given = set(session.scalars(statement, execution_options={"synchronize_session": False}))
    return {token for token, generation_id in held.items() if generation_id in given}


def _from_now(seconds: float) -> ColumnElement[datetime]:
    return func.clock_timestamp() + cast(timedelta(seconds=seconds), Interval)


def _next_wake(stage: Stage, wake_in: float) -> ColumnElement[datetime] | None:
    """When to look again: as asked, at the deadline, or at once if something came since the claim."""
    if stage in TERMINAL:
        return None
    asked = _from_now(wake_in)
    if stage is Stage.SETTLING:
        # Settling is past every deadline: the result is stored, and only our own database is needed.
        return asked
    waited = func.least(asked, Generation.deadline_at)
    came = [
        *([col(Generation.callback_at)] if stage in AWAITS_CALLBACK else []),
        *([col(Generation.cancel_requested_at)] if stage in CANCELLABLE else []),
    ]
    if not came:
        return waited
    return case((func.greatest(*came) > Generation.claimed_at, func.clock_timestamp()), else_=waited)


def _lease_given_up(wake_at: ColumnElement[datetime] | None) -> dict[str, object]:
    return {"lease_token": None, "lease_until": None, "wake_at": wake_at}


def _progress(target: Stage) -> dict[str, object]:
    if target in {Stage.FAILED, Stage.CANCELLED}:
        return {}
    return {"progress": func.greatest(Generation.progress, progress_within(target, 0.0))}


def _write(session: Session, held: Claim, changes: Mapping[str, object]) -> Claim:
    statement = (
        update(Generation)
        .where(
            col(Generation.id) == held.id,
            col(Generation.lease_token) == held.token,
            col(Generation.stage) == held.generation.stage,
        )
        .values(**changes)
        .returning(Generation)
    )
    row = _returned(session, statement)
    if row is None:
        raise LeaseLost(f"generation {held.id} is no longer this worker's")
    return Claim(row, held.token)


def _returned(session: Session, statement: ReturningUpdate[Generation]) -> Generation | None:
    """The row as the UPDATE left it, detached: a claim is a snapshot that no later write changes."""
    row = session.scalars(statement, execution_options={"synchronize_session": False}).one_or_none()
    if row is not None:
        session.expunge(row)
    return row
