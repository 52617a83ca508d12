"""Levers by an operator's key over HTTP: a count, then the same request with its token."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway import admin_levers
from schemas import lever_token
from schemas.enums import Scope, Stage
from schemas.levers import Lever, Selection
from schemas.settings import Settings
from storage.api_keys import OPERATOR, Owner
from storage.database import Database
from storage.ledger import Balance
from storage.objects import ObjectStore
from tests.integration.gateway import finishing
from tests.integration.levers import Levers
from tests.support import NewCustomer

REFUND = "/v1/admin/levers/refund"
WANTED: dict[str, Any] = {"where": {"status": ["completed"]}, "reason": "black results"}


@pytest.fixture
def levers(database: Database, settings: Settings, objects: ObjectStore) -> Levers:
    return Levers(database, settings, objects)


@pytest.fixture
def operator(make_key: Callable[..., str]) -> dict[str, str]:
    return {"X-API-Key": make_key(OPERATOR, scopes=(Scope.ADMIN,))}


@pytest.fixture
def completed(levers: Levers, customer: NewCustomer) -> list[UUID]:
    """Three generations that cost 10 of the customer's 100 credits each."""
    return sorted(levers.make(customer, Stage.COMPLETED) for _ in range(3))


@pytest.fixture
def pull(gateway: httpx.Client, operator: dict[str, str]) -> Callable[..., httpx.Response]:
    return lambda path=REFUND, **changed: gateway.post(path, json=WANTED | changed, headers=operator)


def test_count_changes_nothing_and_its_token_acts(
    gateway: httpx.Client,
    operator: dict[str, str],
    levers: Levers,
    customer: NewCustomer,
    completed: list[UUID],
    pull: Callable[..., httpx.Response],
) -> None:
    counted = pull().json()
    assert (counted["object"], counted["selected"], counted["count"], counted["credits"]) == ("lever_count", 3, 3, 30)
    (group,) = counted["groups"]
    assert (group["stage"], group["provider"], group["at_vendor"]) == ("completed", "kie", 3)
    assert sorted(counted["sample"]) == [str(one) for one in completed]
    assert levers.balance(customer) == Balance(70, 0)

    done = pull(token=counted["token"]).json()
    assert (done["object"], done["done"], done["refused"], done["next"], done["remaining"]) == (
        "lever_run", {"refunded": 3}, {}, None, 0,
    )  # fmt: skip
    assert levers.balance(customer) == Balance(100, 0)
    (change,) = gateway.get("/v1/admin/limit-changes", headers=operator).json()["data"]
    assert (change["id"], change["action"], change["scope"], change["reason"], change["after"]) == (
        done["change_id"], "refund", "generations", "black results", {"refunded": 3},
    )  # fmt: skip
    assert change["author"] == f"key {operator['X-API-Key'][:8]}"
    assert levers.breaches() == []


def test_long_selection_goes_on_where_the_answer_before_ended(
    gateway: httpx.Client,
    operator: dict[str, str],
    levers: Levers,
    customer: NewCustomer,
    completed: list[UUID],
    pull: Callable[..., httpx.Response],
) -> None:
    token, after = pull().json()["token"], None
    answers: list[dict[str, Any]] = []
    while not answers or after:
        answers.append(pull(token=token, after=after, limit=1).json())
        after = answers[-1]["next"]
    assert [(one["done"], one["remaining"]) for one in answers] == [({"refunded": 1}, left) for left in (2, 1, 0)]
    assert levers.balance(customer) == Balance(100, 0)
    (change,) = gateway.get("/v1/admin/limit-changes", headers=operator).json()["data"]
    assert {change["id"]} == {one["change_id"] for one in answers}
    assert change["after"] == {"refunded": 3}
    # An answer may get lost: the same request again does nothing twice.
    assert pull(token=token).json()["done"] == {}
    assert levers.balance(customer) == Balance(100, 0)


@pytest.mark.parametrize(
    "changed",
    [{"where": {"status": ["completed"], "provider": ["kie"]}}, {"where": {"all": True}}, {"token": "1.2.3.4"}],
)
def test_token_fits_no_other_selection(
    levers: Levers,
    customer: NewCustomer,
    completed: list[UUID],
    pull: Callable[..., httpx.Response],
    changed: dict[str, Any],
) -> None:
    refused = pull(**{"token": pull().json()["token"], **changed})
    assert (refused.status_code, "is not of a count of this lever" in refused.json()["detail"]) == (422, True)
    token = pull().json()["token"]
    assert pull("/v1/admin/levers/fail", token=token).status_code == 422
    assert levers.balance(customer) == Balance(70, 0)


def test_selection_that_has_grown_is_refused(
    levers: Levers, customer: NewCustomer, completed: list[UUID], pull: Callable[..., httpx.Response]
) -> None:
    queued = levers.make(customer, Stage.QUEUED)
    where = {"customer_id": [str(customer.id)], "status": ["failed"]}
    counted = pull("/v1/admin/levers/retry", where=where).json()
    assert counted["count"] == 0
    levers.pull(Lever.FAIL, Selection(id=[queued]))
    refused = pull("/v1/admin/levers/retry", where=where, token=counted["token"])
    assert "stands for 0 generations and there are 1 now" in refused.json()["detail"]


def test_token_stands_for_no_others_in_place_of_what_is_done(
    levers: Levers, customer: NewCustomer, completed: list[UUID], pull: Callable[..., httpx.Response]
) -> None:
    joining = [levers.make(customer, Stage.QUEUED) for _ in range(2)]
    token = pull().json()["token"]
    assert pull(token=token, limit=2).json()["done"] == {"refunded": 2}
    for one in joining:
        finishing.complete(levers.database, levers.settings, levers.objects, one, b"a picture")
    refused = pull(token=token)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "token")
    assert "stands for 3 generations, of which 2 are done, and there are 3 more now" in refused.json()["detail"]
    assert levers.balance(customer) == Balance(70, 0), "two were refunded, and two more were charged"


def test_same_request_again_wakes_nothing_twice(
    levers: Levers, customer: NewCustomer, pull: Callable[..., httpx.Response]
) -> None:
    levers.make(customer, Stage.QUEUED)
    path, where = "/v1/admin/levers/retry", {"status": ["queued"]}
    token = pull(path, where=where).json()["token"]
    told = [pull(path, where=where, token=token).json()["done"] for _ in range(2)]
    assert told == [{"woken": 1}, {}]


def test_token_ends_after_an_hour(
    database: Database, completed: list[UUID], pull: Callable[..., httpx.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = pull().json()["token"]
    monkeypatch.setattr(lever_token, "VALID_FOR", timedelta(0))
    assert "is older than an hour" in pull(token=token).json()["detail"]


@pytest.mark.parametrize(
    ("path", "changed", "status", "says"),
    [
        (REFUND, {"where": {}}, 422, "selects everything"),
        (REFUND, {"where": {"model": ["'; DROP TABLE generations; --"]}}, 200, ""),
        (REFUND, {"where": {"model": ["a\u0000b"]}}, 422, "a control character"),
        (REFUND, {"where": {"colour": "red"}}, 422, "where.colour"),
        (REFUND, {"reason": ""}, 422, "reason"),
        (REFUND, {"limit": 1001}, 422, "limit"),
        ("/v1/admin/levers/delete", {}, 404, "there is nothing at this path"),
    ],
)
def test_wrong_request_says_why(
    completed: list[UUID],
    pull: Callable[..., httpx.Response],
    path: str,
    changed: dict[str, Any],
    status: int,
    says: str,
) -> None:
    answer = pull(path, **changed)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text


def test_request_that_reads_for_too_long_does_nothing(
    levers: Levers,
    customer: NewCustomer,
    completed: list[UUID],
    pull: Callable[..., httpx.Response],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = pull().json()["token"]
    monkeypatch.setattr(admin_levers, "_COUNT_SECONDS", 0.0)
    monkeypatch.setattr(admin_levers, "_RUN_SECONDS", 0.0)
    for given in ({}, {"token": token}):
        refused = pull(**given)
        assert (refused.status_code, "takes too long to read" in refused.json()["detail"]) == (422, True)
    assert levers.balance(customer) == Balance(70, 0)


def test_next_that_is_no_generation_is_refused(
    levers: Levers, customer: NewCustomer, completed: list[UUID], pull: Callable[..., httpx.Response]
) -> None:
    refused = pull(token=pull().json()["token"], after=str(customer.id))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "after")
    assert levers.balance(customer) == Balance(70, 0)


def test_other_keys_pull_no_lever(
    gateway: httpx.Client, customer: NewCustomer, service: Owner, make_key: Callable[..., str], completed: list[UUID]
) -> None:
    for owner, scopes, code in (
        (OPERATOR, (Scope.READ, Scope.GENERATE), "insufficient_scope"),
        (Owner(customer.id), (Scope.ADMIN,), "not_for_this_key"),
        (service, (Scope.ADMIN,), "not_for_this_key"),
    ):
        refused = gateway.post(REFUND, json=WANTED, headers={"X-API-Key": make_key(owner, scopes=scopes)})
        assert (refused.status_code, refused.json()["code"]) == (403, code)
