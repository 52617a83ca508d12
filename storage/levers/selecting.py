"""A selection as SQL: its generations, and those on which a lever acts. The only place that translates selections."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg.errors
from sqlalchemy.exc import OperationalError

from schemas.causes import Cause, cause_of_cancel, cause_of_failure
from schemas.enums import ErrorCode, Stage
from schemas.errors import InvalidRequest
from schemas.lever_token import Seen
from schemas.levers import Lever, Selection
from schemas.stages import AT_PROVIDER, TERMINAL

_UNFINISHED = "g.wake_at IS NOT NULL"


def _stages(*stages: Stage) -> str:
    return "g.stage IN (" + ", ".join(f"'{stage}'" for stage in stages) + ")"


PAID = "lever_paid.credits"
"""An SQL expression: the captured credits that are not refunded. For the lever `refund`."""

_PAID = """
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE t.kind WHEN 'capture' THEN t.amount ELSE -t.amount END), 0)::bigint AS credits
        FROM ledger_transfers t WHERE t.generation_id = g.id AND t.kind IN ('capture', 'refund')
    ) AS lever_paid
"""

# `OFFSET 0` keeps each of these a look-up for one generation. A join may read the whole other table.
_GIVEN_UP = """EXISTS (
    SELECT FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
    WHERE d.generation_id = g.id AND d.state IN ('failed', 'dropped')
      AND e.deleted_at IS NULL AND e.paused_at IS NULL OFFSET 0
)"""

# A receipt about another work than the generation's is ignored, as when it came.
_CALLED_BACK = """EXISTS (
    SELECT FROM callback_receipts c
    WHERE c.generation_id = g.id AND c.provider = g.provider AND coalesce(c.remote_id = g.remote_id, true)
    OFFSET 0
)"""

_NOT_RETRIED = "NOT EXISTS (SELECT FROM generation_labels r WHERE r.retry_of = g.id OFFSET 0)"

_CREATE_IS_KNOWN = f"g.error_code IS DISTINCT FROM '{ErrorCode.SUBMIT_OUTCOME_UNKNOWN}'"

MAY_BE_AT_VENDOR = f"(g.stage = '{Stage.SUBMITTING}' AND g.remote_id IS NULL OR NOT {_CREATE_IS_KNOWN})"
"""An SQL condition: the create may have left, and its outcome is unknown."""

# What a run has done may fulfil the condition of its lever still, such as a generation that was woken.
_NOT_YET = """NOT EXISTS (
    SELECT FROM events o
    WHERE o.generation_id = g.id AND o.name = 'operator_acted' AND o.data ->> 'change' = %(change)s
    OFFSET 0
)"""

# A generation past its deadline ends at its next look anyway.
_ACTS_ON = {
    Lever.RETRY: f"({_UNFINISHED} OR ({_stages(Stage.FAILED)} AND {_NOT_RETRIED}))",
    Lever.FAIL: f"({_stages(Stage.QUEUED)} OR ({_UNFINISHED} AND {_stages(*(set(Stage) - TERMINAL - {Stage.SETTLING}))}"
    " AND g.deadline_at > now()))",
    Lever.CANCEL: f"({_stages(Stage.QUEUED)} OR ({_stages(*AT_PROVIDER)} AND g.cancel_requested_at IS NULL))",
    Lever.REFUND: f"({_stages(Stage.COMPLETED, Stage.CANCELLED)} AND {PAID} > 0)",
    Lever.REDELIVER: _GIVEN_UP,
    Lever.REPLAY: f"({_stages(*AT_PROVIDER)} AND {_CALLED_BACK})",
}

_ROUTE = """g.provider || '/' || (g."order" -> 'routes' -> g.route_index ->> 'model')"""

# `failures` counts those that a pause follows. An outage of a service is in the timeline alone.
_FAILING = f"""(
    {_UNFINISHED} AND (g.failures > 0 OR g.crashes > 0 OR (
        SELECT name FROM events WHERE generation_id = g.id AND name <> 'operator_acted' ORDER BY id DESC LIMIT 1
    ) = 'try_failed')
)"""  # noqa: S608 -- a constant

_LABELS = """JOIN LATERAL (
    SELECT batch_id, created_at FROM generation_labels WHERE generation_id = g.id OFFSET 0
) AS l ON true"""

# A subquery looks each candidate up by its id.
_CANDIDATE = "CROSS JOIN LATERAL (SELECT * FROM generations WHERE id = w.id OFFSET 0) AS g"


@dataclass(frozen=True)
class Selected:
    """The generations of a selection for a lever, as the end of a statement with the table `g`."""

    joins: str
    """What follows the table in `FROM`."""
    condition: str
    """The condition of the selection."""
    acts: str
    """The condition of the lever."""
    given: dict[str, object]
    """The parameters of the conditions."""
    seen: Seen
    """The count that bounds the selection."""

    def into(self, statement: str, **parts: str) -> str:
        """A statement with these parts in place of `{tables}`, `{condition}`, `{acts}` and others."""
        return self._into("generations g", statement, parts)

    def into_window(self, source: str, statement: str, **parts: str) -> str:
        """The same, of the candidates that a source `w` gives (`walking.Window`): the statement reads no others."""
        return self._into(f"{source} {_CANDIDATE}", statement, parts)

    def _into(self, table: str, statement: str, parts: dict[str, str]) -> str:
        return statement.format(tables=f"{table} {self.joins}", condition=self.condition, acts=self.acts, **parts)


@contextmanager
def within_limit() -> Iterator[None]:
    """Read a selection within the time that the database allows a statement.

    Raises:
        InvalidRequest: the selection takes longer.
    """
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise too_long() from error
        raise


def too_long() -> InvalidRequest:
    """The refusal of a selection that takes longer to read than its reader waits."""
    narrower = "`id`, `customer_id`, `batch_id`, `accepted_after`, `error_code` or a stage before the end"
    return InvalidRequest.of_fields([("where", f"takes too long to read: add {narrower}")])


def selected(lever: Lever, selection: Selection, seen: Seen, *, has_begun: bool = True) -> Selected:
    """The generations of a selection that were accepted until a count, and those on which its run has not acted yet.

    Args:
        has_begun: False: the run has acted on none, so its conditions leave the timelines out.
    """
    given: dict[str, object] = {"counted_at": seen.counted_at, "change": str(seen.change_id)}
    conditions = ["g.deleted_at IS NULL", "g.created_at <= %(counted_at)s"]
    for name, value, condition in _conditions(selection):
        given[name] = value
        conditions.append(condition)
    if (stages := selection.stages) is not None:
        # The indexes of unfinished and of ended generations have this condition.
        conditions += [] if stages & TERMINAL else [_UNFINISHED]
        conditions += [] if stages - TERMINAL else ["g.finished_at IS NOT NULL"]
    if selection.error_code:
        conditions.append(_stages(Stage.FAILED))
    conditions += [_FAILING] if selection.failing else []
    conditions += [_caused(selection.cause)] if selection.cause else []
    needs_labels = selection.batch_id or selection.accepted_after or selection.accepted_before
    joined = [_LABELS] if needs_labels else []
    joined += [_PAID] if lever is Lever.REFUND else []
    acts = _acts_on(lever, selection) + f" AND {_NOT_YET}" * has_begun
    return Selected(" ".join(joined), " AND ".join(conditions), acts, given, seen)


def _acts_on(lever: Lever, selection: Selection) -> str:
    if lever is Lever.RETRY and not selection.means_unknown_creates:
        return f"{_ACTS_ON[lever]} AND {_CREATE_IS_KNOWN}"
    return _ACTS_ON[lever]


def _conditions(selection: Selection) -> Iterator[tuple[str, object, str]]:
    """Each condition with a value: the parameter, its value, and the condition."""
    lists: dict[str, tuple[object, str]] = {
        "id": (selection.id, "g.id = ANY(%(id)s::uuid[])"),
        "customer_id": (selection.customer_id, "g.customer_id = ANY(%(customer_id)s::uuid[])"),
        "batch_id": (selection.batch_id, "l.batch_id = ANY(%(batch_id)s::uuid[])"),
        "kind": (selection.kind and selection.kind.value, "g.kind = %(kind)s"),
        "model": (selection.model, "g.model = ANY(%(model)s::text[])"),
        "provider": (selection.provider, "g.provider = ANY(%(provider)s::text[])"),
        "route": (selection.route, f"{_ROUTE} = ANY(%(route)s::text[])"),
        "error_code": ([code.value for code in selection.error_code], "g.error_code = ANY(%(error_code)s::text[])"),
        "accepted_after": (selection.accepted_after, "l.created_at >= %(accepted_after)s"),
        "accepted_before": (selection.accepted_before, "l.created_at < %(accepted_before)s"),
    }
    for name, (value, condition) in lists.items():
        if value:
            yield name, value, condition
    if (stages := selection.stages) is not None:
        yield "stages", sorted(stage.value for stage in stages), "g.stage = ANY(%(stages)s::text[])"


def _caused(causes: list[Cause]) -> str:
    """The condition that one of these causes ended a generation. Its parts are words of ours."""
    parts = [
        f"(g.remote_id IS {'NOT ' * accepted}NULL AND {_ended_by(causes, was_accepted=accepted)})"
        for accepted in (True, False)
    ]
    return f"g.finished_at IS NOT NULL AND ({' OR '.join(parts)})"


def _ended_by(causes: list[Cause], *, was_accepted: bool) -> str:
    codes = [f"'{code}'" for code in ErrorCode if cause_of_failure(code, was_accepted=was_accepted) in causes]
    parts = [f"g.error_code IN ({', '.join(codes)})"] if codes else []
    parts += [_stages(Stage.CANCELLED)] if cause_of_cancel(was_accepted=was_accepted) in causes else []
    return f"({' OR '.join(parts)})" if parts else "false"
