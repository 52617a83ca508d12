"""Limits of accounts and pauses, by an operator's key over HTTP."""

from typing import Any

import httpx
import pytest

from schemas.enums import Scope
from schemas.limits import AccountLimits
from storage import admission, customers
from storage.api_keys import OPERATOR, Terms
from storage.database import Database

LIMITS = "/v1/admin/limits/kie"


@pytest.fixture
def operator(database: Database) -> dict[str, str]:
    """The headers of an operator."""
    with database.transaction() as session:
        key = customers.create_key_of(session, OPERATOR, Terms(scopes=(Scope.ADMIN,)))
    with database.statement() as sql:
        admission.declare(sql, {"kie": AccountLimits(in_flight=100), "fal": AccountLimits()})
    return {"X-API-Key": key.material}


def changes(gateway: httpx.Client, operator: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = gateway.get("/v1/admin/limit-changes", headers=operator).json()["data"]
    return found


def test_limits_are_set_and_reset_and_each_change_names_the_key(
    gateway: httpx.Client, operator: dict[str, str]
) -> None:
    wanted = {"in_flight": 50, "creates": [{"most": 20, "seconds": 10}]}
    made = gateway.put(LIMITS, json={"limits": wanted, "reason": "a smaller plan"}, headers=operator)
    assert made.status_code == 200
    assert made.json() == gateway.get(LIMITS, headers=operator).json()
    assert (made.json()["limits"]["in_flight"], made.json()["declared"]["in_flight"]) == (50, 100)
    assert made.json()["use"] == {"in_flight": 0, "waiting": 0, "in_windows": [0]}

    back = gateway.delete(LIMITS, params={"reason": "back"}, headers=operator)
    assert (back.json()["limits"]["in_flight"], back.json()["override"]) == (100, None)
    accounts = gateway.get("/v1/admin/limits", headers=operator).json()["data"]
    assert [one["account"] for one in accounts] == ["fal", "kie"]
    told = [(one["author"], one["action"], one["name"], one["reason"]) for one in changes(gateway, operator)]
    author = f"key {operator['X-API-Key'][:8]}"
    assert told == [(author, "reset", "kie", "back"), (author, "set", "kie", "a smaller plan")]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        (LIMITS, {"limits": {"in_flight": -1}}, 422, "limits.in_flight"),
        (LIMITS, {"limits": {"inflight": 1}}, 422, "limits.inflight"),
        (LIMITS, {}, 422, "limits"),
        ("/v1/admin/limits/kei", {"limits": {}}, 404, "there is no account kei. Accounts: fal, kie"),
        ("/v1/admin/pauses/model/nano", {}, 404, "there is no model nano here"),
        ("/v1/admin/pauses/galaxy/kie", {}, 404, ""),
        ("/v1/admin/pauses/customer/acme", {}, 404, "there is no customer acme"),
    ],
)
def test_a_wrong_change_says_why_and_changes_nothing(
    gateway: httpx.Client, operator: dict[str, str], path: str, body: dict[str, object], status: int, says: str
) -> None:
    refused = gateway.put(path, json=body, headers=operator)
    assert (refused.status_code, says in refused.json()["detail"]) == (status, True)
    assert changes(gateway, operator) == []


@pytest.mark.parametrize(("scope", "name"), [("model", "nano-banana"), ("provider", "kie"), ("route", "")])
def test_a_pause_is_listed_until_it_ends(
    gateway: httpx.Client, operator: dict[str, str], scope: str, name: str
) -> None:
    name = name or a_route(gateway, operator)
    path = f"/v1/admin/pauses/{scope}/{name}"
    made = gateway.put(path, json={"reason": "bad results"}, headers=operator).json()
    assert (made["scope"], made["name"], made["reason"]) == (scope, name, "bad results")
    assert gateway.get("/v1/admin/pauses", headers=operator).json()["data"] == [made]

    assert gateway.delete(path, headers=operator).status_code == 204
    assert gateway.get("/v1/admin/pauses", headers=operator).json()["data"] == []
    assert gateway.delete(path, headers=operator).status_code == 404
    assert [one["action"] for one in changes(gateway, operator)] == ["resume", "pause"]


def a_route(gateway: httpx.Client, operator: dict[str, str]) -> str:
    """A route of those that the error for an unknown one names."""
    said: str = gateway.put("/v1/admin/pauses/route/kie/nothing", json={}, headers=operator).json()["detail"]
    return said.partition("Known: ")[2].split(", ")[0]


def test_a_customers_key_sees_no_limits(gateway: httpx.Client, database: Database) -> None:
    with database.transaction() as session:
        customer = customers.create_customer(session, "acme")
        key = customers.create_api_key(session, customer.id, Terms(scopes=(Scope.ADMIN, Scope.READ)))
    assert gateway.get("/v1/admin/limits", headers={"X-API-Key": key}).json()["code"] == "not_for_this_key"
