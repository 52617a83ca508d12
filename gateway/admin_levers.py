"""`/v1/admin/levers`: an operator acts on a selection of generations. First a count, then the same with its token."""

from collections import Counter
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Path

from gateway.admin import require_operator
from gateway.authentication import Caller, TheCaller, customers_router, needs
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from intake.levers import means_of
from schemas import lever_token
from schemas.enums import Scope
from schemas.errors import InvalidRequest, NotForThisKey, NotFound, Unauthenticated
from schemas.lever_api import LeverCount, LeverGroup, LeverRequest, LeverRun
from schemas.lever_token import Seen
from schemas.levers import Lever
from storage.admission_control import Reason
from storage.levers import bounding, changes, counting, running
from storage.levers.acting import Acted, Run
from storage.levers.bounding import Grown
from storage.levers.changes import Change
from storage.levers.counting import Counted
from storage.levers.walking import Watch, for_seconds
from storage.sql import Sql

_COUNT_SECONDS = 20.0
"""The time that a count reads a selection before it is refused. The command has no such limit."""

_RUN_SECONDS = 3 * _COUNT_SECONDS
"""The time that a run reads. A run counts again, reads its slice and counts the rest: it gets three times as long."""

router = customers_router("/v1/admin/levers", "admin")


@router.post(
    "/{lever}",
    summary="Act on a selection of generations",
    dependencies=[RequireJson],
    openapi_extra=needs(Scope.ADMIN),
    responses=BODY_PROBLEMS | problems(Unauthenticated, NotForThisKey, NotFound),
)
def pull_lever(
    lever: Annotated[Lever, Path(description="the action", examples=["retry"])],
    wanted: LeverRequest,
    services: ServicesOf,
    caller: TheCaller,
) -> LeverCount | LeverRun:
    """Without a `token`: counts what the lever would act on, with the credits at stake, and changes nothing. With the
    token of that count: acts.

    The token fits the same lever and the same selection, for an hour, and stands for `count` effects: all requests with
    the token together have no more. If more generations are left than the token still stands for, nothing is done.
    Generations that were accepted after the count are never meant. Each generation is a transaction apart. The same
    request again does nothing twice.

    `retry` leaves failed generations with `submit_outcome_unknown` alone, unless the selection names them by
    `error_code` or `id`: the vendor may have their work, and bill both orders.
    """
    require_operator(caller)
    if wanted.token is None:
        return _count(lever, wanted, services)
    return _run(lever, wanted, services, caller, _seen(lever, wanted, services))


def _count(lever: Lever, wanted: LeverRequest, services: GatewayServices) -> LeverCount:
    with services.database.statement() as sql:
        counted = counting.count(sql, lever, wanted.where, watch=for_seconds(_COUNT_SECONDS))
    seen = Seen(uuid4(), counted.count, counted.counted_at)
    secret = services.settings.secret_key.get_secret_value()
    return LeverCount(
        lever=lever,
        selected=counted.selected,
        count=counted.count,
        credits=counted.credits,
        may_be_at_vendor=counted.may_be_at_vendor,
        groups=[LeverGroup.model_validate(group) for group in counted.groups],
        sample=list(counted.sample),
        token=lever_token.sign(secret, lever, wanted.where, seen),
        token_ends_at=seen.ends_at,
    )


def _seen(lever: Lever, wanted: LeverRequest, services: GatewayServices) -> Seen:
    seen = lever_token.read(services.settings.accepted_keys, lever, wanted.where, wanted.token or "")
    if seen is None:
        problem = "is not of a count of this lever and this selection: send the request without it, and look again"
        raise InvalidRequest.of_fields([("token", problem)])
    return seen


def _run(lever: Lever, wanted: LeverRequest, services: GatewayServices, caller: Caller, seen: Seen) -> LeverRun:
    watch = for_seconds(_RUN_SECONDS)
    with services.database.statement() as sql:
        if counting.now(sql) > seen.ends_at:
            raise InvalidRequest.of_fields([("token", "is older than an hour: count again")])
        try:
            counted = bounding.recount(sql, lever, wanted.where, seen, watch=watch)
        except Grown as error:
            raise InvalidRequest.of_fields([("token", f"{error}: count again")]) from error
        run = Run(lever, wanted.where, seen, _change(lever, wanted, caller, seen, counted))
        ids = running.slice_of(sql, run, wanted.after, limit=wanted.limit, watch=watch)
        # Counted before the acts: a refusal says that nothing was done.
        left = _left(sql, run, wanted, ids, counted, watch)
    acted = list(running.act_on(services.database, means_of(services.intake.steps), run, ids))
    return _told(run, acted, ids[-1] if left else None, left)


def _left(sql: Sql, run: Run, wanted: LeverRequest, ids: list[UUID], counted: Counted, watch: Watch) -> int:
    """The generations that follow a slice."""
    if len(ids) < wanted.limit:
        return 0
    if wanted.after is None:
        return max(counted.count - len(ids), 0)
    return running.left(sql, run, ids[-1], watch=watch)


def _change(lever: Lever, wanted: LeverRequest, caller: Caller, seen: Seen, counted: Counted) -> Change:
    why = Reason(f"key {caller.key.prefix}", wanted.reason)
    return changes.of_run(seen.change_id, lever, wanted.where, why, counted)


def _told(run: Run, acted: list[Acted], following: UUID | None, left: int) -> LeverRun:
    done = Counter(one.word.value for one in acted if one.word is not None)
    refused = Counter(one.refusal.code for one in acted if one.refusal is not None)
    tally: dict[str, Any] = {"done": dict(done), "refused": dict(refused)}
    return LeverRun(lever=run.lever, change_id=run.change.id, next=following, remaining=left, **tally)
