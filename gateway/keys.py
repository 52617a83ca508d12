"""`/v1/keys`: the API keys of the caller's customer, of a service, or of the operator."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlmodel import Session

from gateway.authentication import TheCaller, customers_router, needs
from gateway.dependencies import ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from schemas.customer_tables import ApiKey
from schemas.enums import Scope
from schemas.errors import InvalidRequest, NotFound, Unauthenticated
from schemas.identity_api import KeyChange, KeyList, KeyRequest, KeyResource, NewKeyResource, RotationRequest
from schemas.lists import PageQuery
from storage import api_keys, customers, quota_settings
from storage.api_keys import Changes, NewKey, Owner, Terms
from storage.customers import KnownKey
from storage.key_rules import is_limited
from storage.sql import of

PATH = "/v1/keys"

router = customers_router(PATH, "keys")

_ADMIN = needs(Scope.ADMIN)
_CHANGE_PROBLEMS = BODY_PROBLEMS | problems(Unauthenticated, NotFound)


@router.get("", summary="List your API keys", openapi_extra=_ADMIN, responses=problems(Unauthenticated, InvalidRequest))
def list_keys(query: Annotated[PageQuery, Query()], services: ServicesOf, caller: TheCaller) -> KeyList:
    """Returns the keys with their scopes, caps, ends and last uses, the newest first. A test key sees test keys only.

    The keys are those of the customer for whom the request acts, or without a customer those of the service.
    """
    with services.database.transaction() as session:
        return key_list(session, caller.owner, query, only_test=caller.is_test)


@router.post(
    "",
    status_code=201,
    summary="Make an API key",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=_CHANGE_PROBLEMS,
)
def create_key(wanted: KeyRequest, response: Response, services: ServicesOf, caller: TheCaller) -> NewKeyResource:
    """Makes a key that allows no more than your key. The answer shows the key itself, once.

    If your key has a cap, the orders of both keys count together.
    """
    with services.database.transaction() as session:
        made = new_key(session, caller.owner, wanted, caller.key)
    response.headers["Location"] = f"{PATH}/{made.id}"
    return made


@router.get("/{key_id}", summary="See an API key", openapi_extra=_ADMIN, responses=problems(Unauthenticated, NotFound))
def get_key(key_id: UUID, services: ServicesOf, caller: TheCaller) -> KeyResource:
    """Returns one key, without the key itself."""
    with services.database.transaction() as session:
        return key_resource(session, api_keys.find(session, caller.owner, key_id, only_test=caller.is_test))


@router.patch(
    "/{key_id}",
    summary="Change an API key",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=_CHANGE_PROBLEMS,
)
def change_key(key_id: UUID, wanted: KeyChange, services: ServicesOf, caller: TheCaller) -> KeyResource:
    """Changes the name, the daily cap and the end of a key. Omitted fields stay as they are.

    Your key may lower each cap and bring each end forward. It gives no higher cap and no later end than its own.
    """
    with services.database.transaction() as session:
        row = api_keys.find(session, caller.owner, key_id, only_test=caller.is_test)
        api_keys.change(session, row, _changes(wanted), maker=session.get_one(ApiKey, caller.key.id))
        return key_resource(session, row)


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    summary="Rotate an API key",
    dependencies=[RequireJson],
    openapi_extra=_ADMIN,
    responses=_CHANGE_PROBLEMS,
)
def rotate_key(
    key_id: UUID, services: ServicesOf, caller: TheCaller, times: RotationRequest | None = None
) -> NewKeyResource:
    """Makes a key that allows the same, and ends the first key after `ends_in` seconds. Both work until then.

    Both keys share one cap. The answer shows the new key itself, once.
    """
    times = times or RotationRequest()
    with services.database.transaction() as session:
        rotated = api_keys.rotate(
            session,
            api_keys.find(session, caller.owner, key_id, only_test=caller.is_test),
            ends_in=timedelta(seconds=times.ends_in),
            expires_in=_seconds(times.expires_in),
            maker=session.get_one(ApiKey, caller.key.id),
        )
        return _shown_once(session, rotated)


@router.delete(
    "/{key_id}",
    status_code=204,
    summary="Revoke an API key",
    openapi_extra=_ADMIN,
    responses=problems(Unauthenticated, NotFound),
)
def revoke_key(key_id: UUID, services: ServicesOf, caller: TheCaller) -> None:
    """Ends a key at once. Requests with the key get 401 `key_revoked`. A key can revoke itself."""
    with services.database.transaction() as session:
        api_keys.revoke(session, api_keys.find(session, caller.owner, key_id, only_test=caller.is_test))


def _changes(wanted: KeyChange) -> Changes:
    changes = Changes()
    if "name" in wanted.model_fields_set:
        changes["name"] = wanted.name
    if "daily_cap" in wanted.model_fields_set:
        changes["daily_cap"] = wanted.daily_cap
    if "in_flight" in wanted.model_fields_set:
        changes["in_flight"] = wanted.in_flight
    if "per_day" in wanted.model_fields_set:
        changes["per_day"] = wanted.per_day
    if "on_limit" in wanted.model_fields_set:
        changes["on_limit"] = wanted.on_limit
    if "expires_in" in wanted.model_fields_set:
        changes["expires_in"] = _seconds(wanted.expires_in)
    return changes


def key_list(session: Session, owner: Owner, query: PageQuery, *, only_test: bool) -> KeyList:
    """One page of an owner's keys."""
    page = api_keys.listed(session, owner, query.after, limit=query.limit, only_test=only_test)
    keys = [KeyResource.model_validate(fields) for fields in _fields(session, page.rows)]
    return KeyList.page(keys, page.next)


def new_key(session: Session, owner: Owner, wanted: KeyRequest, maker: KnownKey) -> NewKeyResource:
    """Make a key for an owner.

    Raises:
        NotFound: there is no such owner.
        InvalidRequest: the maker allows less, or such an owner has no such keys.
    """
    terms = Terms(
        name=wanted.name,
        scopes=set(wanted.scopes),
        is_test=maker.is_test if wanted.test is None else wanted.test,
        makes_customers=wanted.makes_customers,
        daily_cap=wanted.daily_cap,
        in_flight=wanted.in_flight,
        per_day=wanted.per_day,
        on_limit=wanted.on_limit,
        expires_in=_seconds(wanted.expires_in),
    )
    return _shown_once(session, customers.create_key_of(session, owner, terms, maker_id=maker.id))


def key_resource(session: Session, row: ApiKey) -> KeyResource:
    """The API resource of a key."""
    (fields,) = _fields(session, [row])
    return KeyResource.model_validate(fields)


def _shown_once(session: Session, made: NewKey) -> NewKeyResource:
    (fields,) = _fields(session, [made.row])
    return NewKeyResource.model_validate({**fields, "key": made.material})


def _fields(session: Session, rows: Sequence[ApiKey]) -> Iterator[dict[str, object]]:
    """The fields of keys. One statement reads what all have used."""
    used = quota_settings.used_by_keys(of(session), [_spends_as(row) for row in rows if is_limited(row)])
    for row in rows:
        uses = used[_spends_as(row)] if is_limited(row) else None
        spent_today = uses.credits_today if uses is not None and row.daily_cap is not None else None
        yield {**row.model_dump(), "test": row.is_test, "spent_today": spent_today, "used": uses and vars(uses)}


def _spends_as(row: ApiKey) -> UUID:
    return row.spends_as or row.id


def _seconds(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
