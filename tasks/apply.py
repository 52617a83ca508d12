"""Writing an outcome down: the row, its timeline, assets and credits in one transaction, and then the wake-up.

Here alone it is known what to do about lost leases, about outages, and about a create that must not be forgotten.
"""

from contextlib import AbstractContextManager
from dataclasses import replace

import structlog

from schemas.enums import EventName, Stage
from schemas.errors import LeaseLost
from schemas.stages import WORK
from storage import assets, transitions
from storage.claims import Claim, Snapshot
from storage.database import Database
from storage.generations import Wake
from storage.sql import Sql
from storage.transitions import Changes
from tasks.outcomes import (
    Advance,
    Cancel,
    CancelSent,
    Counts,
    Fail,
    File,
    Later,
    NotAccepted,
    Outcome,
    Unknown,
    UnlessCalledBack,
)
from tasks.services import Services
from tasks.timing import FIRST_LOOK_UP_SECONDS
from tasks.troubles import OUTAGES, crashed, outage, outlasting_outages

log = structlog.get_logger()

# Two looks at the clock by one statement.
_AT_ONCE_SECONDS = 0.05

_SUCCESS = Changes(failures=0, crashes=0)


def apply(services: Services, claim: Claim, outcome: Outcome, *, keeps_lease: bool = False) -> Claim | None:
    """Write an outcome down, and wake the next stage unless it has to wait first.

    Args:
        keeps_lease: this worker goes on under the same claim, which is given back as it stands then.

    Raises:
        LeaseLost: the claim is no longer this worker's, and nothing of the outcome had to be kept.
    """
    match outcome:
        case Advance(stage=Stage.SUBMITTING):
            return _declare(services, claim, outcome)
        case Advance(stage=Stage.GENERATING) | NotAccepted() | Unknown():
            written = _conclude(services, claim, outcome)
        case UnlessCalledBack():
            written = _give_up(services, claim, outcome)
        case _:
            written = _commit(services, claim, outcome, keeps_lease=keeps_lease)
    if written is not None and not keeps_lease:
        _wake(services, written, _inner(outcome))
    return written


def recover(services: Services, claim: Claim, error: Exception) -> None:
    """After a step that did not end well. If this fails too, the lease runs out and `wake_at` brings the stage back."""
    stage = claim.generation.stage
    try:
        if isinstance(error, LeaseLost):
            raise error
        if isinstance(error, OUTAGES):
            log.warning("stage_interrupted", stage=stage, error=type(error).__name__)
            apply(services, claim, outage(services))
        else:
            log.error("stage_crashed", stage=stage, exc_info=error)
            apply(services, claim, crashed(services, claim))
    except LeaseLost:
        log.warning("write_refused", stage=stage, error=type(error).__name__)
        _note_refusal(services, claim, error)


def _note_refusal(services: Services, claim: Claim, error: Exception) -> None:
    """Show on the timeline that the generation had moved on: another worker took it, or our own commit had arrived."""
    data = {"stage": claim.generation.stage, "attempt": claim.generation.attempt, "after": type(error).__name__}
    try:
        with services.database.statement() as sql:
            transitions.note(sql, claim.id, EventName.WRITE_REFUSED, data)
    except OUTAGES as away:
        log.warning("refusal_not_noted", error=type(away).__name__)


def _declare(services: Services, claim: Claim, intent: Advance) -> Claim | None:
    """Commit the intent before the request leaves.

    From here on, a worker that dies leaves an unknown outcome behind, and nobody sends the request a second time.
    """
    try:
        return _commit(services, claim, intent, keeps_lease=True)
    except OUTAGES:
        # The commit may have arrived, and only its acknowledgement not. Nothing was sent.
        _conclude(services, claim, NotAccepted())
        raise


@outlasting_outages
def _conclude(services: Services, claim: Claim, outcome: Advance | NotAccepted | Unknown) -> Claim | None:
    """Write down what became of a create; the only worker that knows it must not forget it.

    Forgotten, it is work that was paid for and that nobody fetches, or a generation that waits for an answer which
    cannot come. So it outlasts an outage, and what is a fact reaches the row even if the lease was lost meanwhile.
    """
    match outcome:
        case NotAccepted(then=None):
            _withdraw(services, claim)
            return None
        case Advance(file=File() as file):
            services.objects.put_bytes(file.key, file.content, content_type=file.content_type)
    try:
        return _commit(services, claim, outcome)
    except LeaseLost:
        match outcome:
            case Advance():
                _keep(services, claim, outcome)
            case NotAccepted():
                _withdraw(services, claim)
            case Unknown():
                raise
        return None


def _withdraw(services: Services, claim: Claim) -> None:
    """It never left."""
    with services.database.statement() as sql:
        is_withdrawn = transitions.withdraw(sql, claim)
    log.info("submit_withdrawn", is_withdrawn=is_withdrawn)


def _keep(services: Services, claim: Claim, accepted: Advance) -> None:
    """The vendor has it."""
    with services.database.statements() as sql:
        is_kept = transitions.keep(sql, claim, accepted.changes)
    log.warning("lease_lost_after_create", remote_id=accepted.changes.remote_id, is_kept=is_kept)


def _give_up(services: Services, claim: Claim, outcome: UnlessCalledBack) -> Claim | None:
    try:
        written = _commit(services, claim, outcome)
    except LeaseLost:
        # A callback came while we gave up: it brought the id. If the lease is lost, too, this is refused as well.
        return _commit(services, claim, Later(0.0, Counts.SUCCESS))
    log.info("submit_given_up")
    return written


def _commit(services: Services, claim: Claim, outcome: Outcome, *, keeps_lease: bool = False) -> Claim | None:
    resend_after = services.settings.pipeline.resend_after_seconds
    with _transaction(services.database, outcome) as sql:
        written = _write(sql, claim, outcome, resend_after=resend_after, keeps_lease=keeps_lease)
    _log(claim, _inner(outcome))
    return written


def _write(sql: Sql, claim: Claim, outcome: Outcome, *, resend_after: float, keeps_lease: bool = False) -> Claim:
    """Everything that an outcome changes, in the transaction of `sql`; the claim as it stands then."""
    match outcome:
        case Advance():
            return _move(sql, claim, outcome, resend_after=resend_after, keeps_lease=keeps_lease)
        case Later():
            return _put_back(sql, claim, outcome)
        case Fail():
            return transitions.fail(sql, claim, outcome.code, outcome.message)
        case Cancel():
            return transitions.cancel(sql, claim, outcome.reason, is_charged=outcome.is_charged)
        case CancelSent(answer=answer):
            asked = transitions.record(sql, claim, Changes(cancel_sent=True))
            transitions.note(sql, claim.id, answer.name, answer.data)
            return asked
        case Unknown():
            lost = transitions.put_back(
                sql, claim, wake_in=FIRST_LOOK_UP_SECONDS, restarts_stage=True, changes=_SUCCESS
            )
            transitions.note(sql, claim.id, EventName.SUBMIT_UNKNOWN, {"reason": outcome.reason})
            return lost
        case UnlessCalledBack(then=then):
            transitions.require_no_callback_since(sql, claim)
            return _write(sql, claim, then, resend_after=resend_after)
        case NotAccepted(then=then):
            if then is None:
                raise ValueError("a create that was kept here changes nothing under a lease")
            return _write(sql, claim, then, resend_after=resend_after)


def _move(sql: Sql, claim: Claim, outcome: Advance, *, resend_after: float, keeps_lease: bool) -> Claim:
    moved = transitions.move(
        sql, claim, outcome.stage, keeps_lease=keeps_lease, event=outcome.event, changes=outcome.changes,
        wake_in=resend_after if outcome.wait is None else outcome.wait,
    )  # fmt: skip
    assets.add(sql, outcome.assets, generation_id=claim.id, customer_id=claim.generation.customer_id)
    for note in outcome.notes:
        transitions.note(sql, claim.id, note.name, note.data)
    return moved


def _put_back(sql: Sql, claim: Claim, outcome: Later) -> Claim:
    row, changes = claim.generation, outcome.changes
    match outcome.counts:
        case Counts.SUCCESS:
            changes = replace(changes, failures=0, crashes=0)
        case Counts.FAILURE:
            changes = replace(changes, failures=row.failures + 1)
        case Counts.CRASH:
            changes = replace(changes, crashes=row.crashes + 1)
    return transitions.put_back(sql, claim, wake_in=outcome.seconds, changes=changes)


def _transaction(database: Database, outcome: Outcome) -> AbstractContextManager[Sql]:
    """One statement is a transaction by itself, at a third of the round trips."""
    match _inner(outcome):
        case Later():
            return database.statement()
        case Advance(assets=[], notes=[]) as move if move.stage is not Stage.COMPLETED:
            return database.statement() if not isinstance(outcome, UnlessCalledBack) else database.statements()
    return database.statements()


def _inner(outcome: Outcome) -> Outcome | None:
    """What is written, without the condition under which it is."""
    return outcome.then if isinstance(outcome, NotAccepted | UnlessCalledBack) else outcome


def _wake(services: Services, written: Claim, outcome: Outcome | None) -> None:
    """Send the wake-up of the next stage, if it can run at once."""
    if not isinstance(outcome, Advance) or outcome.stage not in WORK:
        return
    row = written.generation
    if outcome.wait is None or _is_due(row):
        is_called_back = outcome.wait is not None and row.cancel_requested_at is None
        services.dispatcher.wake(Wake(row.id, outcome.stage, row.attempt, is_called_back=is_called_back))


def _is_due(row: Snapshot) -> bool:
    """Whether it need not wait after all: something came while the worker held the row."""
    return row.wake_at is not None and (row.wake_at - row.stage_at).total_seconds() < _AT_ONCE_SECONDS


def _log(claim: Claim, outcome: Outcome | None) -> None:
    stage = claim.generation.stage
    match outcome:
        case Advance() if outcome.stage is not Stage.SUBMITTING:
            log.info("generation_moved", origin=stage, stage=outcome.stage)
        case Fail():
            log.info("generation_failed", stage=stage, code=outcome.code)
        case Cancel():
            log.info("generation_cancelled", stage=stage, is_charged=outcome.is_charged)
