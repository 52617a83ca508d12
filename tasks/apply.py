"""Writes outcomes: the row, the timeline, the assets and the credits in one transaction.

After the commit, announces the change, and sends the wake-up.

This module alone handles lost leases, outages, and creates whose result must be recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from metrics.families import FENCES
from metrics.labels import Fence
from providers.http import call_log
from schemas.enums import EventName, Stage
from schemas.errors import LeaseLost
from schemas.stages import AT_PROVIDER, WORK
from storage import admission, assets, runs_to_stop, transitions
from storage.admission_learning import Refused
from storage.changes import Changes
from storage.claims import Claim
from storage.generations import Wake
from storage.outages import OUTAGES
from storage.sql import Sql
from tasks import counted
from tasks.authors import author
from tasks.outcomes import (
    Advance,
    Cancel,
    CancelSent,
    Counts,
    Fail,
    Later,
    NotAccepted,
    Note,
    Outcome,
    TakesRoute,
    Unknown,
    UnlessCalledBack,
    Waits,
)
from tasks.remote import stop
from tasks.services import WorkerServices
from tasks.timing import FIRST_LOOK_UP_SECONDS
from tasks.troubles import crashed, outage, outlasting_outages

log = structlog.get_logger()

# One statement may read the clock twice; the two times differ by less than this.
_AT_ONCE_SECONDS = 0.05


def apply(services: WorkerServices, claim: Claim, outcome: Outcome, *, keeps_lease: bool = False) -> Claim | None:
    """Write an outcome, and send a wake-up for the next stage if its step can run at once.

    Args:
        keeps_lease: this worker goes on under the same claim. The returned claim has the new row.

    Raises:
        LeaseLost: this worker lost the claim, and the outcome contains no fact about a create.
    """
    counted.outcome(claim, outcome)
    match outcome:
        case Waits():
            _note_wait(services, claim)
            return None
        case Advance(stage=Stage.SUBMITTING):
            written = _declare(services, claim, outcome)
        case Advance(stage=Stage.GENERATING) | NotAccepted() | Unknown():
            written = _conclude(services, claim, outcome)
        case UnlessCalledBack():
            written = _give_up(services, claim, outcome)
        case _:
            written = _commit(services, claim, outcome, keeps_lease=keeps_lease)
    if not keeps_lease:
        services.leases.end(claim)
    _learn(services, claim, outcome)
    if written is not None:
        services.announce(written.id, written.generation.customer_id)
        counted.written(claim, written.generation, outcome)
        _tell(services, claim, written, outcome, keeps_lease=keeps_lease)
        if claim.generation.stage in AT_PROVIDER and written.generation.stage not in AT_PROVIDER:
            services.gate.give_back(claim.route.provider)
    return written


def _learn(services: WorkerServices, claim: Claim, outcome: Outcome) -> None:
    """Tell the gate what the answer to a create says about the account, before anything is woken."""
    match outcome:
        case NotAccepted(refused=Refused() as refused):
            services.gate.refused(claim.route.provider, claim.id, refused)
        case Advance(stage=Stage.GENERATING):
            services.gate.accepted(claim.route.provider)


def _note_wait(services: WorkerServices, claim: Claim) -> None:
    """The ask has written that the generation waits. Only the timeline entry is left."""
    log.info("generation_waits", provider=claim.route.provider)
    with services.database.statement() as sql:
        transitions.note_once(sql, claim.id, EventName.WAITS, {"provider": claim.route.provider})
    services.announce(claim.id, claim.generation.customer_id)


def recover(services: WorkerServices, claim: Claim, error: Exception) -> None:
    """Write the outcome of a step that raised an error.

    If this write fails too, the lease runs out, and `wake_at` starts the stage again.
    """
    stage = claim.generation.stage
    try:
        if isinstance(error, LeaseLost):
            raise error
        if isinstance(error, OUTAGES):
            counted.trouble(claim, "interrupted")
            log.warning("stage_interrupted", stage=stage, error=type(error).__name__)
            apply(services, claim, outage(services, f"a service of ours did not answer ({type(error).__name__})"))
        else:
            counted.trouble(claim, "crashed")
            log.error("stage_crashed", stage=stage, exc_info=error)
            apply(services, claim, crashed(services, claim))
    except LeaseLost:
        counted.trouble(claim, "lease_lost")
        FENCES.add(Fence.WRITE)
        log.warning("write_refused", stage=stage, error=type(error).__name__)
        _note_refusal(services, claim, error)


def _note_refusal(services: WorkerServices, claim: Claim, error: Exception) -> None:
    """Write to the timeline that the database refused a write.

    Either another worker claimed the generation, or our commit arrived and only its acknowledgement was lost.
    """
    data = {"stage": claim.generation.stage, "attempt": claim.generation.attempt, "after": type(error).__name__}
    try:
        with services.database.statement() as sql:
            transitions.note(sql, claim.id, EventName.WRITE_REFUSED, data)
    except OUTAGES as away:
        log.warning("refusal_not_noted", error=type(away).__name__)


def _declare(services: WorkerServices, claim: Claim, intent: Advance) -> Claim | None:
    """Commit the intent to send a create, before the create leaves.

    If the worker dies after this commit, the result of the create is unknown, and no worker sends the create again.
    """
    try:
        return _commit(services, claim, intent, keeps_lease=True)
    except OUTAGES:
        # The commit may have arrived without its acknowledgement. The create has not left.
        _conclude(services, claim, NotAccepted())
        raise


@outlasting_outages
def _conclude(services: WorkerServices, claim: Claim, outcome: Advance | NotAccepted | Unknown) -> Claim | None:
    """Write the result of a create. Retry during an outage, and write facts even after the lease was lost.

    Only the sender knows the result. Without this record, paid work would never be fetched, or a generation would wait
    for an answer that cannot come.
    """
    if isinstance(outcome, Advance) and outcome.file is not None:
        file = outcome.file
        services.objects.put_bytes(file.key, file.content, content_type=file.content_type)
    follows = outcome.then if isinstance(outcome, NotAccepted) else outcome
    try:
        if follows is not None:
            return _commit(services, claim, follows)
    except LeaseLost:
        if isinstance(outcome, Unknown):
            raise
    _write_fact(services, claim, outcome.changes if isinstance(outcome, Advance) else None)
    return None


def _write_fact(services: WorkerServices, claim: Claim, accepted: Changes | None) -> None:
    """Record without a lease that the vendor accepted the create (`accepted`), or that the create never left (None).

    The write matches the create's token, not the lease. If the write changes the row, no claim remains. If the
    generation no longer waits for an accepted create, however it ended, the vendor is asked to stop the work.
    """
    with services.database.statements() as sql:
        is_heeded = transitions.withdraw(sql, claim) if accepted is None else transitions.keep(sql, claim, accepted)
    if accepted is None:
        log.info("submit_withdrawn", is_withdrawn=is_heeded)
        return
    log.warning("lease_lost_after_create", remote_id=accepted.remote_id, is_kept=is_heeded)
    if not is_heeded and accepted.remote_id is not None:
        stop(services, claim, accepted.remote_id, accepted.remote_links or {})


def _give_up(services: WorkerServices, claim: Claim, outcome: UnlessCalledBack) -> Claim | None:
    try:
        written = _commit(services, claim, outcome)
    except LeaseLost:
        # A callback brought the remote id in the meantime. If the lease is lost too, this write is refused as well.
        _commit(services, claim, Later(0.0, Counts.SUCCESS))
        return None
    log.info("submit_given_up")
    return written


def _commit(services: WorkerServices, claim: Claim, outcome: Outcome, *, keeps_lease: bool = False) -> Claim:
    # One statement is a transaction by itself and needs a third of the round trips.
    is_one = (isinstance(outcome, Later) and outcome.once is None and outcome.reason is None) or (
        isinstance(outcome, Advance)
        and not (outcome.assets or outcome.notes or outcome.stage is Stage.COMPLETED or outcome.changes.loses_run)
    )
    resend_after, by = services.settings.pipeline.resend_after_seconds, author(services, claim)
    with services.database.statement() if is_one else services.database.statements() as sql:
        written = _write(sql, claim, outcome, by, resend_after=resend_after, keeps_lease=keeps_lease)
    call_log.forget()
    return written


def _write(
    sql: Sql,
    claim: Claim,
    outcome: Outcome,
    by: Mapping[str, object],
    *,
    resend_after: float,
    keeps_lease: bool = False,
) -> Claim:
    """Write all changes of an outcome in the transaction of `sql`. Returns the claim with the new row."""
    notes: Sequence[Note] = ()
    match outcome:
        case Advance(notes=notes):
            written = transitions.move(
                sql, claim, outcome.stage, keeps_lease=keeps_lease, event={**outcome.event, **_found(outcome, by)},
                changes=outcome.changes, wake_in=resend_after if outcome.wait is None else outcome.wait,
            )  # fmt: skip
            if outcome.changes.loses_run:
                # The next run asks for a place as a new one: its wait and its deadline count from then on.
                admission.leave(sql, claim.id)
            assets.add(
                sql, outcome.assets, generation_id=claim.id, customer_id=claim.generation.customer_id,
                expires_in=claim.order.expires_in,
            )  # fmt: skip
        case Later():
            written = transitions.put_back(sql, claim, wake_in=outcome.seconds, changes=_counted(claim, outcome))
            if outcome.once is not None and transitions.note_once(sql, claim.id, outcome.once.name, outcome.once.data):
                log.warning(outcome.once.name, **outcome.once.data)
            if outcome.reason is not None:
                transitions.note_trouble(sql, claim.id, outcome.reason, by)
        case Fail():
            written = transitions.fail(sql, claim, outcome.code, outcome.message, event=_found(outcome, by))
        case Cancel():
            written = transitions.cancel(
                sql, claim, outcome.reason, is_charged=outcome.is_charged, event=_found(outcome, by)
            )
        case CancelSent():
            written = transitions.record(sql, claim, Changes(cancel_sent=True))
            notes = [replace(outcome.answer, data={**outcome.answer.data, "by": by})]
        case TakesRoute(index=index, note=note):
            provider = claim.order.routes[index].provider
            changes = Changes(failures=0, route_index=index, provider=provider)
            written = transitions.record(sql, claim, changes)
            admission.leave(sql, claim.id)
            notes = [replace(note, data={**note.data, "by": by})]
        case Unknown():
            changes, pause = Changes(failures=0, crashes=0), FIRST_LOOK_UP_SECONDS
            written = transitions.put_back(sql, claim, wake_in=pause, restarts_stage=True, changes=changes)
            notes = [Note(EventName.SUBMIT_UNKNOWN, {"reason": outcome.reason, "by": by})]
        case UnlessCalledBack(then=then):
            transitions.require_no_callback_since(sql, claim)
            written = _write(sql, claim, then, by, resend_after=resend_after)
        case NotAccepted() | Waits():
            raise ValueError(f"{type(outcome).__name__} is written elsewhere")
    if isinstance(outcome, Advance | Fail | Cancel) and outcome.leaves_run is not None:
        runs_to_stop.add(sql, claim, outcome.leaves_run)
    for note in notes:
        transitions.note(sql, claim.id, note.name, note.data)
    return written


def _found(outcome: Advance | Fail | Cancel, by: Mapping[str, object]) -> dict[str, object]:
    """The details of every move: its author, and the reason for the read that found the end of the provider's work."""
    return {"by": by} if outcome.found_by is None else {"by": by, "found_by": outcome.found_by}


def _counted(claim: Claim, outcome: Later) -> Changes:
    match outcome.counts:
        case Counts.SUCCESS:
            return replace(outcome.changes, failures=0, crashes=0, is_silent=False)
        case Counts.FAILURE:
            return replace(outcome.changes, failures=claim.generation.failures + 1)
        case Counts.CRASH:
            return replace(outcome.changes, crashes=claim.generation.crashes + 1)
    return outcome.changes


def _tell(services: WorkerServices, claim: Claim, written: Claim, outcome: Outcome, *, keeps_lease: bool) -> None:
    """Log the outcome, and send the wake-up of the next stage if its step can run at once."""
    origin, row = claim.generation.stage, written.generation
    match outcome.then if isinstance(outcome, NotAccepted | UnlessCalledBack) else outcome:
        case Advance(stage=stage, wait=wait) if stage is not Stage.SUBMITTING:
            log.info("generation_moved", origin=origin, stage=stage)
            # A callback or a cancellation may have come during the claim: then the next step need not wait.
            is_due = row.wake_at is not None and (row.wake_at - row.stage_at).total_seconds() < _AT_ONCE_SECONDS
            if stage in WORK and not keeps_lease and (wait is None or is_due):
                is_called_back = wait is not None and row.cancel_requested_at is None
                services.dispatcher.wake(Wake(row.id, stage, row.attempt, is_called_back=is_called_back))
        case TakesRoute(index=index, note=note):
            log.info("route_changed", provider=claim.order.routes[index].provider, reason=note.data["reason"])
        case Fail(code=code):
            log.info("generation_failed", stage=origin, code=code)
        case Cancel(is_charged=is_charged):
            log.info("generation_cancelled", stage=origin, is_charged=is_charged)
