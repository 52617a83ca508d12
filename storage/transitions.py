"""Writes every change of a generation's stage and every timeline entry. No other module writes either of them.

Each move is one of `schemas.stages.MOVES`. One statement writes the move and its event. The caller's transaction
contains the move and the transfer of the credits that the move settles. Writes of a claim are fenced: they match the
claim's token and stage, so a worker that lost its lease writes nothing.

A fact about a create needs no lease (docs/decisions/0017). The sender may have lost its claim, and the worker with the
next claim needs the result of the create. These writes match `Generation.submission`, the token of the sender's claim.
The token tells one create from the next.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from psycopg.types.json import Jsonb

from metrics.families import ENDED, ENDED_MODELS
from schemas.causes import Cause, cause_of_cancel, cause_of_failure
from schemas.enums import ErrorCode, EventName, Stage
from schemas.errors import LeaseLost
from schemas.names import ProviderName, is_twin
from schemas.quotas import UNLIMITED, Quota
from schemas.stages import AT_PROVIDER, CANCELLABLE, TERMINAL, is_allowed, progress_within
from schemas.tables import Generation
from schemas.trace_context import current
from storage import ledger, statements
from storage.changes import NOTHING, Changes
from storage.claims import Claim
from storage.sql import Sql
from storage.variants.reading import erase as erase_variants

# A refused create moves back from `submitting` to `queued`: its failures add up over both stages.
_ONE_TRY = frozenset({Stage.QUEUED, Stage.SUBMITTING})

_WITHOUT_RESULT = frozenset({Stage.FAILED, Stage.CANCELLED})

_MOST_TROUBLES = 50


@dataclass(frozen=True)
class NewGeneration:
    """A generation to insert."""

    row: Generation
    """The row. The insert sets its times."""
    deadline_after: float
    """Seconds from the start to the deadline."""
    not_before: datetime | None = None
    """The scheduled start. None: the start is now."""
    endpoint_id: UUID | None = None
    """The endpoint of the order's `callback_url`."""


def insert(sql: Sql, new: Sequence[NewGeneration], *, resend_after: float) -> Quota | None:
    """Insert generations of one customer and one request in `queued`, and set their times.

    Args:
        resend_after: seconds until the waker sends the first wake-up again.

    Returns:
        The limits of the customer. None if the request was accepted before, the customer does not exist, or a live
        customer's order leads to a twin, or a test customer's order to an account. The caller must then roll back a
        batch.
    """
    rows = [each.row for each in new]
    # One document: psycopg takes longer for a list for each column.
    given = [
        {
            "id": str(row.id), "idempotency_key": row.idempotency_key, "kind": row.kind, "model": row.model,
            "order": row.order, "credits": row.credits, "provider": row.provider, "deadline_after": each.deadline_after,
            "not_before": each.not_before and each.not_before.isoformat(),
            "endpoint_id": each.endpoint_id and str(each.endpoint_id),
        }
        for row, each in zip(rows, new, strict=True)
    ]  # fmt: skip
    place = current()
    inserted = sql.all(
        statements.INSERT, customer_id=rows[0].customer_id, request_hash=rows[0].request_hash,
        is_test=is_twin(rows[0].provider), resend_after=resend_after, rows=Jsonb(given),
        traceparent=place and place.traceparent,
    )  # fmt: skip
    moments = {generation_id: times for generation_id, *times, _ in inserted}
    for row in rows:
        if row.id in moments:
            row.created_at, row.stage_at, row.wake_at, row.deadline_at = moments[row.id]
    if len(moments) < len(rows):
        return None
    limits = inserted[0][-1]
    return UNLIMITED if limits is None else Quota.of(limits)


def move(
    sql: Sql,
    claim: Claim,
    target: Stage,
    *,
    wake_in: float,
    keeps_lease: bool = False,
    event: Mapping[str, object] | None = None,
    changes: Changes = NOTHING,
) -> Claim:
    """Move a claimed generation to another stage. A move to `completed` captures the hold in the same transaction.

    Args:
        wake_in: seconds until the next look. Ignored when `target` is terminal.
        keeps_lease: keep the same claim in the new stage.
        event: the details of the timeline entry.

    Raises:
        ValueError: the move is not in `schemas.stages.MOVES`.
        LeaseLost: this worker lost the claim.
    """
    _allowed(claim.generation.stage, target)
    if target not in _ONE_TRY:
        changes = replace(changes, failures=0, crashes=0)
    if target not in _WITHOUT_RESULT:
        changes = replace(changes, progress=progress_within(target, 0.0))
    if target is Stage.SUBMITTING:
        changes = replace(changes, submission=claim.token)
    told, stays = Jsonb(event or {}), keeps_lease and target not in TERMINAL
    changes = replace(changes, is_silent=False)
    moved = _write(sql, claim, target, changes, wake_in=wake_in, keeps_lease=stays, restarts=True, event=told)
    if target is Stage.COMPLETED:
        _settle(sql, claim, ledger.capture)
    return moved


def fail(
    sql: Sql, claim: Claim, code: ErrorCode, message: str, *, event: Mapping[str, object] = MappingProxyType({})
) -> Claim:
    """End a claimed generation as failed and release its hold.

    Args:
        event: further details of the timeline entry.

    Raises:
        LeaseLost: this worker lost the claim.
    """
    told = {"code": code, "message": message, **event}
    changes = Changes(error_code=code, error_message=message)
    failed = move(sql, claim, Stage.FAILED, wake_in=0, event=told, changes=changes)
    _settle(sql, claim, ledger.release)
    return failed


def cancel(
    sql: Sql, claim: Claim, reason: str, *, is_charged: bool, event: Mapping[str, object] = MappingProxyType({})
) -> Claim:
    """End a claimed generation as cancelled, and capture (`is_charged`) or release its hold.

    Args:
        event: further details of the timeline entry.

    Raises:
        LeaseLost: this worker lost the claim.
    """
    told = {"reason": reason, "is_charged": is_charged, **event}
    cancelled = move(sql, claim, Stage.CANCELLED, wake_in=0, event=told)
    _settle(sql, claim, ledger.capture if is_charged else ledger.release)
    return cancelled


def put_back(
    sql: Sql, claim: Claim, *, wake_in: float, restarts_stage: bool = False, changes: Changes = NOTHING
) -> Claim:
    """Give up a claim. The generation stays in its stage, and its next look is in `wake_in` seconds.

    Args:
        restarts_stage: count the time in this stage from now.

    Raises:
        LeaseLost: this worker lost the claim.
    """
    return _write(sql, claim, claim.generation.stage, changes, wake_in=wake_in, restarts=restarts_stage)


def record(sql: Sql, claim: Claim, changes: Changes) -> Claim:
    """Write columns of a claimed generation, and keep the claim.

    Raises:
        LeaseLost: this worker lost the claim.
    """
    return _write(sql, claim, claim.generation.stage, changes, keeps_lease=True)


def require_no_callback_since(sql: Sql, claim: Claim) -> None:
    """Require that no callback has come since the claim, and lock the row until the end of the transaction.

    Raises:
        LeaseLost: a callback came, or this worker lost the claim.
    """
    if sql.first(statements.UNLESS_CALLED_BACK, id=claim.id, token=claim.token) is None:
        raise LeaseLost(f"generation {claim.id} is no longer this worker's, or a callback came")


def withdraw(sql: Sql, sender: Claim) -> bool:
    """Queue a generation again whose create never left. Returns False if the row no longer waits for this create."""
    event = Jsonb({"attempt": sender.generation.attempt})
    back = _allowed(Stage.SUBMITTING, Stage.QUEUED)
    return sql.first(statements.WITHDRAW, id=sender.id, token=sender.token, event=event, **back) is not None


def keep(sql: Sql, sender: Claim, accepted: Changes) -> bool:
    """Record the vendor's id and links of an accepted create, without a lease.

    Returns False if the row no longer waits for this create. The vendor bills the work all the same, so the timeline
    records the work as adopted or as late.
    """
    kept = sql.first(
        statements.KEEP, id=sender.id, token=sender.token, remote_id=accepted.remote_id,
        remote_links=Jsonb(accepted.remote_links), object_key=accepted.object_key,
    )  # fmt: skip
    if kept is None and sql.first(statements.REMOTE_ID, id=sender.id) == accepted.remote_id:
        # The row has this id already: from a callback, or from our commit whose acknowledgement was lost.
        return True
    name = EventName.SUBMIT_LATE if kept is None else EventName.SUBMIT_ADOPTED
    note(sql, sender.id, name, {"provider": sender.route.provider, "remote_id": accepted.remote_id})
    return kept is not None


def doubt(sql: Sql, *, stopped_at: datetime) -> list[tuple[ProviderName, int]]:
    """Treat every queued generation as one whose create left with unknown outcome. Returns their number by account.

    Only for a restored database, while no worker runs (docs/decisions/0056). Generations whose start was scheduled
    after `stopped_at`, the end of the lost time, stay queued.
    """
    event = Jsonb({"reason": "the database was restored: the create may have left after the backup"})
    move = _allowed(Stage.QUEUED, Stage.SUBMITTING)
    return sql.all(statements.DOUBT, stopped_at=stopped_at, event=event, **move)


def cancel_unsent(sql: Sql, generation: Generation) -> None:
    """Cancel a queued generation at once, and release its hold."""
    event = {"reason": "cancelled before the provider had it", "is_charged": False}
    _end_unsent(sql, generation, Stage.CANCELLED, event, cause_of_cancel(was_accepted=False))


def fail_unsent(sql: Sql, generation: Generation, message: str) -> None:
    """End a queued generation as failed at once, because an operator wants it, and release its hold."""
    code = ErrorCode.INTERNAL
    event = {"code": code, "message": message}
    _end_unsent(sql, generation, Stage.FAILED, event, cause_of_failure(code, was_accepted=False))


def _end_unsent(sql: Sql, generation: Generation, target: Stage, event: Mapping[str, object], cause: Cause) -> None:
    sql.run(
        statements.END_UNSENT, id=generation.id, code=event.get("code"), message=event.get("message"),
        event=Jsonb(event), **_allowed(Stage.QUEUED, target),
    )  # fmt: skip
    if generation.credits:
        ledger.release(sql, generation.customer_id, generation.id)
    # Counted before the commit, which the caller makes: a commit that fails is counted, too.
    ENDED.add(target, cause, generation.provider)
    ENDED_MODELS.add(generation.model, target)


def end_deadline(sql: Sql, generation_id: UUID) -> None:
    """End a generation at its next look, by its deadline: the provider is asked to stop, and the hold is released."""
    sql.run(statements.END_DEADLINE, id=generation_id)


def request_cancel(sql: Sql, generation_id: UUID) -> None:
    """Record the customer's request to cancel. The worker with the next claim passes the request on."""
    sql.run(statements.WISH, id=generation_id)
    note(sql, generation_id, EventName.CANCEL_REQUESTED)


def erase(sql: Sql, generation_id: UUID) -> list[tuple[str, int]]:
    """Remove the texts and the labels of a generation that has ended, and give up its files.

    Returns the keys and sizes of the files. The caller removes the objects after the commit.

    The facts stay: the stages and their times, the price and the transfers, the vendor's id, the properties of files.
    """
    files = sql.all(statements.ERASE, id=generation_id, kept=list(statements.KEPT_DATA))
    return [*files, *erase_variants(sql, generation_id)]


def note(sql: Sql, generation_id: UUID, name: EventName, data: Mapping[str, object] | None = None) -> None:
    """Add a timeline entry without a move, in the current stage. The data must contain no secrets and no prompts."""
    note_all(sql, name, {generation_id: data or {}})


def note_once(sql: Sql, generation_id: UUID, name: EventName, data: Mapping[str, object]) -> bool:
    """Add a timeline entry as `note` does, unless the generation has an entry of this name.

    Returns False if it has one. The caller's transaction holds the row, so two workers cannot both add the entry.
    """
    return sql.first(statements.NOTE_ONCE, id=generation_id, name=name, data=Jsonb(data)) is not None


def note_trouble(sql: Sql, generation_id: UUID, reason: str, by: Mapping[str, object]) -> None:
    """Add a timeline entry for a failed try, or count the try in the newest entry if the reason is the same.

    A generation has a limited number of such entries. The last entry then counts all further tries.
    """
    sql.run(
        statements.NOTE_TROUBLE, id=generation_id, name=EventName.TRY_FAILED, reason=reason, by=Jsonb(by),
        most=_MOST_TROUBLES,
    )  # fmt: skip


def note_all(sql: Sql, name: EventName, data: Mapping[UUID, Mapping[str, object]]) -> None:
    """Add a timeline entry without a move to each of these generations."""
    sql.run(statements.NOTE, ids=list(data), name=name, data=[Jsonb(each) for each in data.values()])


def _settle(sql: Sql, claim: Claim, settle: Callable[[Sql, UUID, UUID], None]) -> None:
    """End the hold of a generation. A free generation has none."""
    if claim.generation.credits:
        settle(sql, claim.generation.customer_id, claim.id)


def _allowed(origin: Stage, target: Stage) -> dict[str, Stage]:
    """A move as a statement's parameters.

    Raises:
        ValueError: the move is not in `schemas.stages.MOVES`.
    """
    if not is_allowed(origin, target):
        raise ValueError(f"a generation cannot move from {origin} to {target}")
    return {"origin": origin, "target": target}


def _write(
    sql: Sql,
    claim: Claim,
    target: Stage,
    changes: Changes,
    *,
    wake_in: float = 0.0,
    keeps_lease: bool = False,
    restarts: bool = False,
    event: Jsonb | None = None,
) -> Claim:
    given = {name: Jsonb(value) if isinstance(value, dict | list) else value for name, value in vars(changes).items()}
    place = current()
    row = sql.first(
        statements.WRITE, id=claim.id, token=claim.token, origin=claim.generation.stage, target=target,
        starts=restarts and target is Stage.GENERATING,
        # A bad file leads back to `downloading`: the provider was done before.
        renders=target is Stage.DOWNLOADING and claim.generation.stage is Stage.GENERATING,
        ends=target in TERMINAL, keeps_lease=keeps_lease, restarts=restarts, wake_in=wake_in, event=event,
        heeds_callback=target in AT_PROVIDER, heeds_cancel=target in CANCELLABLE,
        # `settling` has no deadline: the result is stored, and the step needs only our database.
        has_deadline=target is not Stage.SETTLING,
        traceparent=place and place.traceparent, span=place and place.span_id,
        **given,
    )  # fmt: skip
    if row is None:
        raise LeaseLost(f"generation {claim.id} is no longer this worker's")
    return replace(claim, generation=row)
