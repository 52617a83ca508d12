"""`/v1/admin/limits` and `/v1/admin/pauses`: limits of provider accounts, and pauses, for the operator."""

from typing import Annotated

from fastapi import Path, Query

from admission import pausing
from gateway.admin import require_operator
from gateway.authentication import Caller, TheCaller, customers_router, needs
from gateway.dependencies import ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from schemas.admission_api import (
    LONGEST_REASON,
    AccountState,
    AccountStates,
    ChangeList,
    ChangeResource,
    LimitsRequest,
    PauseRequest,
    PauseResource,
    Pauses,
)
from schemas.enums import Scope
from schemas.errors import InvalidRequest, NotForThisKey, NotFound, Unauthenticated
from schemas.limits import PauseScope
from schemas.lists import PageQuery
from schemas.names import ProviderName
from schemas.text import OptionalProse, shown
from storage import admission_control, admission_state
from storage.admission_control import Reason
from storage.sql import Sql

router = customers_router("/v1/admin", "admin")

_ADMIN = needs(Scope.ADMIN)
_READ_PROBLEMS = problems(Unauthenticated, NotForThisKey)
_LIST_PROBLEMS = problems(InvalidRequest) | _READ_PROBLEMS
_ONE_PROBLEMS = problems(Unauthenticated, NotForThisKey, NotFound)
_DELETE_PROBLEMS = problems(InvalidRequest) | _ONE_PROBLEMS

Account = Annotated[str, Path(description="the account", examples=["kie"], max_length=100)]
Thing = Annotated[
    str,
    Path(
        description="the model, the account, `account/vendor's name of the model`, or the customer's id",
        examples=["nano-banana"],
        max_length=300,
    ),
]
# The body of a DELETE has no meaning in HTTP.
Why = Annotated[OptionalProse, Query(description="why, for people", min_length=1, max_length=LONGEST_REASON)]

# A route has slashes. No route stands below this path.
_PAUSE = "/pauses/{scope}/{thing:path}"


@router.get("/limits", summary="List provider accounts and limits", openapi_extra=_ADMIN, responses=_READ_PROBLEMS)
def list_limits(services: ServicesOf, caller: TheCaller) -> AccountStates:
    """Returns each provider account: its limits, the work at the vendor, and the generations that wait."""
    require_operator(caller)
    with services.database.statement() as sql:
        return AccountStates(data=admission_state.account_states(sql))


@router.get("/limits/{account}", summary="See an account's limits", openapi_extra=_ADMIN, responses=_ONE_PROBLEMS)
def get_limits(account: Account, services: ServicesOf, caller: TheCaller) -> AccountState:
    """Returns the account's limits, the work at the vendor, and the generations that wait."""
    require_operator(caller)
    with services.database.statement() as sql:
        return _state(sql, account)


@router.put(
    "/limits/{account}",
    summary="Set an account's limits",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=BODY_PROBLEMS | _ONE_PROBLEMS,
)
def set_limits(account: Account, wanted: LimitsRequest, services: ServicesOf, caller: TheCaller) -> AccountState:
    """Sets limits in place of the declared ones, for all processes within about a second, until they are reset.

    Work at the vendor goes on, also above a lower limit. 0 in flight stops new work.
    """
    require_operator(caller)
    with services.database.statements() as sql:
        admission_control.set_limits(sql, account, lambda _: wanted.limits, _reason(caller, wanted.reason))
        return _state(sql, account)


@router.delete(
    "/limits/{account}", summary="Reset an account's limits", openapi_extra=_ADMIN, responses=_DELETE_PROBLEMS
)
def reset_limits(account: Account, services: ServicesOf, caller: TheCaller, reason: Why = None) -> AccountState:
    """Goes back to the declared limits, forgets the limits learned from refusals, and opens a closed account."""
    require_operator(caller)
    with services.database.statements() as sql:
        admission_control.reset_limits(sql, account, _reason(caller, reason))
        return _state(sql, account)


@router.get("/limit-changes", summary="List operators' changes", openapi_extra=_ADMIN, responses=_LIST_PROBLEMS)
def list_changes(query: Annotated[PageQuery, Query()], services: ServicesOf, caller: TheCaller) -> ChangeList:
    """Returns who changed limits and pauses or pulled levers, when, and why, the newest first."""
    require_operator(caller)
    with services.database.transaction() as session:
        page = admission_control.changes(session, query.after, limit=query.limit)
        return ChangeList.page([ChangeResource.model_validate(one) for one in page.rows], page.next)


@router.get("/pauses", summary="List pauses", openapi_extra=_ADMIN, responses=_READ_PROBLEMS)
def list_pauses(services: ServicesOf, caller: TheCaller) -> Pauses:
    """Returns every model, account, route and customer that is paused, the newest pause first."""
    require_operator(caller)
    with services.database.statement() as sql:
        return Pauses(data=[PauseResource.model_validate(one) for one in admission_control.pauses(sql)])


@router.put(
    _PAUSE,
    summary="Pause a model, an account, a route or a customer",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=BODY_PROBLEMS | _ONE_PROBLEMS,
)
def pause(
    scope: PauseScope, thing: Thing, wanted: PauseRequest, services: ServicesOf, caller: TheCaller
) -> PauseResource:
    """Lets new generations wait, for all processes within about a second. Work at the vendor goes on.

    Orders are accepted, and their default deadline does not run meanwhile. A second pause changes the reason.
    """
    require_operator(caller)
    with services.database.statements() as sql:
        name = pausing.pause(sql, services.catalogue, scope, thing, _reason(caller, wanted.reason))
        paused = next(one for one in admission_control.pauses(sql) if (one.scope, one.name) == (scope, name))
    return PauseResource.model_validate(paused)


@router.delete(_PAUSE, status_code=204, summary="End a pause", openapi_extra=_ADMIN, responses=_DELETE_PROBLEMS)
def resume(scope: PauseScope, thing: Thing, services: ServicesOf, caller: TheCaller, reason: Why = None) -> None:
    """Lets the generations go on that waited. They keep their turns."""
    require_operator(caller)
    with services.database.statements() as sql:
        admission_control.resume(sql, scope, thing, _reason(caller, reason))


def _reason(caller: Caller, text: str | None) -> Reason:
    return Reason(f"key {caller.key.prefix}", text)


def _state(sql: Sql, account: ProviderName) -> AccountState:
    found = admission_state.account_states(sql, account)
    if not found:
        raise NotFound(f"there is no account {shown(account)}. Accounts: {admission_control.known_accounts(sql)}")
    return found[0]
