"""Every change of a generation's stage, and every entry of its timeline: nothing else writes either.

Each move is one of `schemas.stages.MOVES`. It is one statement with its event, and one transaction of the caller's with
the credits that it settles. Writes of a claim are fenced: they name its token and its stage, and a worker that lost its
lease writes nothing.

A fact about a create needs no lease (docs/decisions/0017). The worker that sent it may have lost its claim meanwhile,
and whoever looks after the generation by now waits to learn what became of it. `Generation.submission`, the token of
the claim that sent it, tells one create from the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb

from schemas.enums import ErrorCode, EventName, Stage
from schemas.errors import LeaseLost
from schemas.names import ProviderName
from schemas.stages import AWAITS_CALLBACK, CANCELLABLE, TERMINAL, is_allowed, progress_within
from schemas.tables import Generation
from storage import ledger, statements
from storage.claims import Claim
from storage.sql import Sql

# A refused submit goes back from `submitting` to `queued`: its failures add up over both.
_ONE_TRY = frozenset({Stage.QUEUED, Stage.SUBMITTING})

_WITHOUT_RESULT = frozenset({Stage.FAILED, Stage.CANCELLED})


@dataclass(frozen=True)
class Changes:
    """What a claim writes beside the stage; None leaves a column as it is."""

    provider: ProviderName | None = None
    route_index: int | None = None
    remote_id: str | None = None
    remote_links: Mapping[str, str] | None = None
    result_urls: list[str] | None = None
    object_key: str | None = None
    download: Mapping[str, object] | None = None
    provider_credits: Decimal | None = None
    error_code: ErrorCode | None = None
    error_message: str | None = None
    failures: int | None = None
    """In a row; a move starts again from 0, save from `queued` to `submitting` and back."""
    crashes: int | None = None
    """The same."""
    progress: int | None = None
    """Percent done; it never goes back."""
    submission: UUID | None = None
    """The claim that is about to send a create."""
    cancel_sent: bool = False
    """The provider was asked to stop, and has answered."""


NOTHING = Changes()

_GIVEN = {"id", "customer_id", "idempotency_key", "request_hash", "kind", "model", "credits", "provider"}


def insert(sql: Sql, new: Generation, order: str, *, resend_after: float, deadline_after: float) -> bool:
    """Queue a new generation, and set its moments; false if the request is there already, or its customer is not.

    Args:
        order: the JSON of `new.order`.
        resend_after: seconds until the waker sends its first wake-up again.
        deadline_after: seconds that it may take.
    """
    given = new.model_dump(include=_GIVEN)
    moments = sql.first(
        statements.INSERT, **given, order=order, resend_after=resend_after, deadline_after=deadline_after
    )
    if moments is None:
        return False
    new.created_at, new.stage_at, new.wake_at, new.deadline_at = moments
    return True


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
    """Move a claimed generation to another stage. One that completes is paid in the same transaction.

    Args:
        wake_in: seconds until somebody must look at it again; ignored when `target` is terminal.
        keeps_lease: go on with the same claim in the new stage.
        event: what the event row tells of the move.

    Raises:
        ValueError: the move is not in `schemas.stages.MOVES`.
        LeaseLost: the claim is no longer this worker's.
    """
    _allowed(claim.generation.stage, target)
    if target not in _ONE_TRY:
        changes = replace(changes, failures=0, crashes=0)
    if target not in _WITHOUT_RESULT:
        changes = replace(changes, progress=progress_within(target, 0.0))
    if target is Stage.SUBMITTING:
        changes = replace(changes, submission=claim.token)
    told, stays = Jsonb(event or {}), keeps_lease and target not in TERMINAL
    moved = _write(sql, claim, target, changes, wake_in=wake_in, keeps_lease=stays, restarts=True, event=told)
    if target is Stage.COMPLETED:
        ledger.capture(sql, claim.generation.customer_id, claim.id)
    return moved


def fail(sql: Sql, claim: Claim, code: ErrorCode, message: str) -> Claim:
    """End a claimed generation as failed and release its hold.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    event = {"code": code, "message": message}
    changes = Changes(error_code=code, error_message=message)
    failed = move(sql, claim, Stage.FAILED, wake_in=0, event=event, changes=changes)
    ledger.release(sql, claim.generation.customer_id, claim.id)
    return failed


def cancel(sql: Sql, claim: Claim, reason: str, *, is_charged: bool) -> Claim:
    """End a claimed generation as cancelled, and capture or release its hold.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    event = {"reason": reason, "is_charged": is_charged}
    cancelled = move(sql, claim, Stage.CANCELLED, wake_in=0, event=event)
    settle = ledger.capture if is_charged else ledger.release
    settle(sql, claim.generation.customer_id, claim.id)
    return cancelled


def put_back(
    sql: Sql, claim: Claim, *, wake_in: float, restarts_stage: bool = False, changes: Changes = NOTHING
) -> Claim:
    """Give a claim up and leave the generation in its stage until `wake_in` seconds from now.

    Args:
        restarts_stage: the time in this stage is counted from now.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    return _write(sql, claim, claim.generation.stage, changes, wake_in=wake_in, restarts=restarts_stage)


def record(sql: Sql, claim: Claim, changes: Changes) -> Claim:
    """Write columns of a claimed generation, and go on with the claim.

    Raises:
        LeaseLost: the claim is no longer this worker's.
    """
    return _write(sql, claim, claim.generation.stage, changes, keeps_lease=True)


def require_no_callback_since(sql: Sql, claim: Claim) -> None:
    """Lock a claimed generation that no callback has come for since the claim, to the end of the transaction.

    Raises:
        LeaseLost: a callback came, or the claim is no longer this worker's.
    """
    if sql.first(statements.UNLESS_CALLED_BACK, id=claim.id, token=claim.token) is None:
        raise LeaseLost(f"generation {claim.id} is no longer this worker's, or a callback came")


def withdraw(sql: Sql, sender: Claim) -> bool:
    """Queue a generation again whose create never left; false if nobody waits for it any more."""
    event = Jsonb({"attempt": sender.generation.attempt})
    back = _allowed(Stage.SUBMITTING, Stage.QUEUED)
    return sql.first(statements.WITHDRAW, id=sender.id, token=sender.token, event=event, **back) is not None


def keep(sql: Sql, sender: Claim, accepted: Changes) -> bool:
    """Keep the vendor's id and links for whoever looks after the generation now; false if nobody waits for it any more.

    Work that nobody waits for was paid for all the same: the timeline tells of it.
    """
    kept = sql.first(
        statements.KEEP, id=sender.id, token=sender.token, remote_id=accepted.remote_id,
        remote_links=Jsonb(accepted.remote_links), object_key=accepted.object_key,
    )  # fmt: skip
    if kept is None and sql.first(statements.REMOTE_ID, id=sender.id) == accepted.remote_id:
        # A callback brought it, or our own commit was not acknowledged.
        return True
    name = EventName.SUBMIT_LATE if kept is None else EventName.SUBMIT_ADOPTED
    note(sql, sender.id, name, {"provider": sender.route.provider, "remote_id": accepted.remote_id})
    return kept is not None


def cancel_unsent(sql: Sql, generation_id: UUID, customer_id: UUID) -> None:
    """End a queued generation at once, as its customer wishes, and release its hold."""
    event = {"reason": "cancelled before the provider had it", "is_charged": False}
    sql.run(statements.CANCEL_UNSENT, id=generation_id, event=Jsonb(event), **_allowed(Stage.QUEUED, Stage.CANCELLED))
    ledger.release(sql, customer_id, generation_id)


def request_cancel(sql: Sql, generation_id: UUID) -> None:
    """Write down that the customer wants it stopped, for whoever looks after it."""
    sql.run(statements.WISH, id=generation_id)
    note(sql, generation_id, EventName.CANCEL_REQUESTED)


def note(sql: Sql, generation_id: UUID, name: EventName, data: Mapping[str, object] | None = None) -> None:
    """Add an entry that is no move, in the stage where the generation stands now. No secrets and no prompts."""
    note_all(sql, name, {generation_id: data or {}})


def note_all(sql: Sql, name: EventName, data: Mapping[UUID, Mapping[str, object]]) -> None:
    """Add such an entry to each of many."""
    sql.run(statements.NOTE, ids=list(data), name=name, data=[Jsonb(each) for each in data.values()])


def _allowed(origin: Stage, target: Stage) -> dict[str, Stage]:
    """A move, for a statement.

    Raises:
        ValueError: it is not in `schemas.stages.MOVES`.
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
    row = sql.first(
        statements.WRITE, id=claim.id, token=claim.token, origin=claim.generation.stage, target=target,
        ends=target in TERMINAL, keeps_lease=keeps_lease, restarts=restarts, wake_in=wake_in, event=event,
        heeds_callback=target in AWAITS_CALLBACK, heeds_cancel=target in CANCELLABLE,
        # Settling is past every deadline: the result is stored, and only our own database is needed.
        has_deadline=target is not Stage.SETTLING,
        **given,
    )  # fmt: skip
    if row is None:
        raise LeaseLost(f"generation {claim.id} is no longer this worker's")
    return Claim(row, claim.token)
