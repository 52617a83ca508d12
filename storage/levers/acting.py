"""Acts on one generation in one transaction, with its entries in the timeline and in the history of changes.

The row's lock is taken first, and the conditions are checked under it. So two operators do not act twice, and a
generation that has moved on is left alone. Nothing is sent: a generation that is due is woken within a second.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from schemas.enums import EventName, Stage
from schemas.errors import RequestError
from schemas.inputs import Facts
from schemas.lever_token import Seen
from schemas.levers import ENDED_BY_OPERATOR, Lever, Selection
from schemas.names import is_twin
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import PipelineSettings
from schemas.tables import Generation
from storage import callbacks, cancellation, generations, ledger, retries, transitions
from storage.cancellation import RuleOf
from storage.database import Database
from storage.levers import changes
from storage.levers.changes import Change
from storage.levers.selecting import selected
from storage.sql import Sql, of, returns
from storage.webhooks import deliveries


class Word(StrEnum):
    """What became of a generation."""

    WOKEN = "woken"
    """It is due now."""
    ORDERED = "ordered"
    """A new generation of the same order was accepted."""
    ENDED = "ended"
    """It ended at once."""
    ASKED = "asked"
    """Its next look ends it, or asks the provider to stop."""
    REFUNDED = "refunded"
    """The credits are back."""
    SENT = "sent"
    """Its messages are sent once more."""
    REPLAYED = "replayed"
    """Its provider is read now."""
    CLAIMED = "claimed"
    """A worker works on it at this moment. Nothing was done."""
    MOVED_ON = "moved_on"
    """It is no longer as it was when it was counted. Nothing was done."""


UNTOUCHED = frozenset({Word.CLAIMED, Word.MOVED_ON})
"""The words for generations that the lever left as they were."""


@dataclass(frozen=True)
class Means:
    """What levers need beside the database."""

    order_maker: Callable[[UUID, bool], Callable[[GenerationRequest, Facts], Order]]
    """The function that completes and prices requests, for a customer's id and whether it is a test customer."""
    rule_of: RuleOf
    """The price of a cancel."""
    pipeline: PipelineSettings
    """The deadlines of new generations."""


@dataclass(frozen=True)
class Run:
    """An operator's action on a selection."""

    lever: Lever
    """The action."""
    selection: Selection
    """The generations."""
    seen: Seen
    """The count that bounds the action."""
    change: Change
    """The entry in the history of changes."""


@dataclass(frozen=True)
class Acted:
    """What became of one generation."""

    generation_id: UUID
    """The generation."""
    word: Word | None
    """The effect. None: it was refused."""
    refusal: RequestError | None = None
    """Why nothing was done."""


def act(database: Database, means: Means, run: Run, generation_id: UUID) -> Acted:
    """Act on one generation, if it is still selected and the lever still acts on it.

    Raises:
        AtItsEnd: the run has as many effects as the operator has seen generations. Nothing was done.
    """
    try:
        with database.transaction() as session:
            row = _locked(of(session), run, generation_id)
            if row is None:
                return Acted(generation_id, Word.MOVED_ON)
            word, told = _ACTS[run.lever](session, means, run, row)
            if word not in UNTOUCHED:
                _record(of(session), run, generation_id, word, told)
            return Acted(generation_id, word)
    except RequestError as error:
        with database.statement() as sql:
            changes.count_refusal(sql, run.change, error.code)
        return Acted(generation_id, None, error)


def _locked(sql: Sql, run: Run, generation_id: UUID) -> Generation | None:
    meant = selected(run.lever, run.selection, run.seen)
    query = returns(Generation)(meant.into(_LOCK, columns=_COLUMNS))
    return sql.first(query, **meant.given, generation_id=generation_id)


def _record(sql: Sql, run: Run, generation_id: UUID, word: Word, told: Mapping[str, object]) -> None:
    facts = {"change": str(run.change.id), "action": run.lever, **told}
    transitions.note(sql, generation_id, EventName.OPERATOR_ACTED, facts)
    changes.count_effect(sql, run.change, word, most=run.seen.count)


_Act = tuple[Word, Mapping[str, object]]
"""The effect, and facts for the timeline."""


def _retry(session: Session, means: Means, run: Run, row: Generation) -> _Act:
    sql = of(session)
    if row.stage is not Stage.FAILED:
        return (Word.WOKEN if generations.look_now(sql, row.id) else Word.CLAIMED), {}
    maker = means.order_maker(row.customer_id, is_twin(row.provider))
    accepted = retries.accept(sql, row.customer_id, row.id, maker, means.pipeline)
    if not accepted.is_new:
        return Word.MOVED_ON, {}
    again = accepted.generation
    generations.look_now(sql, again.id)
    facts = {"change": str(run.change.id), "action": run.lever, "retry_of": str(row.id)}
    transitions.note(sql, again.id, EventName.OPERATOR_ACTED, facts)
    return Word.ORDERED, {"retried_by": str(again.id)}


def _fail(session: Session, _means: Means, _run: Run, row: Generation) -> _Act:
    if row.stage is Stage.QUEUED:
        transitions.fail_unsent(of(session), row, ENDED_BY_OPERATOR)
        return Word.ENDED, {}
    transitions.end_deadline(of(session), row.id)
    return Word.ASKED, {"deadline_was": row.deadline_at.isoformat()}


def _cancel(session: Session, means: Means, _run: Run, row: Generation) -> _Act:
    cancelled = cancellation.request(session, row.id, customer_id=row.customer_id, rule_of=means.rule_of)
    return (Word.ENDED if cancelled.stage is Stage.CANCELLED else Word.ASKED), {}


def _refund(session: Session, _means: Means, run: Run, row: Generation) -> _Act:
    amount = ledger.refundable(of(session), row.customer_id, row.id)
    if not amount:
        return Word.MOVED_ON, {}
    reference = f"{run.change.id} {row.id}"
    ledger.refund(session, row.customer_id, row.id, amount, reference=reference, reason=run.change.why.text or "")
    return Word.REFUNDED, {"credits": amount}


def _redeliver(session: Session, _means: Means, _run: Run, row: Generation) -> _Act:
    sent = deliveries.redeliver_of_generation(of(session), row.id)
    return (Word.SENT if sent else Word.MOVED_ON), {"messages": sent}


def _replay(session: Session, _means: Means, _run: Run, row: Generation) -> _Act:
    return (Word.REPLAYED if callbacks.replay(of(session), row.id) else Word.MOVED_ON), {}


_ACTS: Mapping[Lever, Callable[[Session, Means, Run, Generation], _Act]] = {
    Lever.RETRY: _retry,
    Lever.FAIL: _fail,
    Lever.CANCEL: _cancel,
    Lever.REFUND: _refund,
    Lever.REDELIVER: _redeliver,
    Lever.REPLAY: _replay,
}

_COLUMNS = ", ".join(f'g."{name}"' for name in Generation.model_fields)

# After a wait for the lock, PostgreSQL checks the conditions of the row again, and not those of other tables: each act
# reads these anew.
_LOCK = """
    SELECT {columns} FROM {tables}
    WHERE g.id = %(generation_id)s AND {condition} AND {acts} FOR NO KEY UPDATE OF g
"""
