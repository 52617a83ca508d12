"""A customer's place before a busy provider: in the document, in `GET /v1/queue` and in estimates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from schemas.limits import AccountLimits, PauseScope
from storage import admission, admission_control
from storage.admission_control import Reason
from storage.database import Database
from tests.support import NewCustomer

ORDER = {"model": "nano-banana", "prompt": "a lighthouse in fog"}

# The first of them has the only place at the account, since 100 of 400 seconds.
QUEUED = """
    INSERT INTO admissions (generation_id, provider, customer_id, model, vendor_model, place, lane, priority,
                            may_use_reserve, charge, turn, flow, flow_turn, granted_at)
    SELECT id, provider, customer_id, model, 'a-model', CASE number WHEN 1 THEN 'granted' ELSE 'waiting' END, 0, 1,
           false, 400, number * 400, '-', number * 400, CASE number WHEN 1 THEN now() - interval '100 s' END
    FROM (SELECT *, row_number() OVER (ORDER BY created_at) AS number FROM generations) AS numbered
"""


@pytest.fixture(autouse=True)
def always_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway remembers no account of an earlier test."""
    monkeypatch.setattr("admission.queues._FORECAST_LASTS_SECONDS", 0)


@pytest.fixture
def queued(gateway: httpx.Client, database: Database, customer: NewCustomer) -> list[str]:
    """Three generations of a customer at an account that takes one at a time."""
    made = [gateway.post("/v1/generations", json=ORDER, headers=customer.headers).json() for _ in range(3)]
    with database.statement() as sql:
        admission.declare(sql, {made[0]["provider"]: AccountLimits(in_flight=1)})
        sql.run(QUEUED)
        sql.run("UPDATE admission_shares SET asked = 1600")
        sql.run(
            "INSERT INTO admission_shares (provider, customer_id, flow, asked, granted) "
            "VALUES (%(provider)s, %(id)s, '', 1600, 800)",
            provider=made[0]["provider"], id=customer.id,
        )  # fmt: skip
    return [one["id"] for one in made]


def seconds_to(moment: str) -> float:
    return (datetime.fromisoformat(moment) - datetime.now(UTC)) / timedelta(seconds=1)


def read(gateway: httpx.Client, path: str, customer: NewCustomer) -> Any:
    answer = gateway.get(path, headers=customer.headers)
    assert answer.status_code == 200
    return answer.json()


def test_a_queued_generation_shows_its_place_and_its_expected_start(
    gateway: httpx.Client, customer: NewCustomer, queued: list[str]
) -> None:
    first, second, third = (read(gateway, f"/v1/generations/{one}", customer)["queue"] for one in queued)
    assert first is None
    assert (second["reason"], second["ahead"], third["ahead"]) == ("capacity", 0, 1)
    assert 240 < seconds_to(second["estimated_start_at"]) <= 300
    assert 640 < seconds_to(third["estimated_start_at"]) <= 700
    assert {one["queue"] for one in read(gateway, "/v1/generations", customer)["data"]} == {None}


def test_the_queue_counts_the_customers_own_generations(
    gateway: httpx.Client, customer: NewCustomer, queued: list[str]
) -> None:
    queue = read(gateway, "/v1/queue", customer)
    (model,) = queue["models"]
    assert (queue["object"], queue["waiting"], model["model"], model["waiting"]) == ("queue", 3, "nano-banana", 3)
    assert (model["next"]["reason"], model["next"]["ahead"]) == ("capacity", 0)
    assert queued


def test_a_pause_is_the_reason_and_leaves_the_start_open(
    gateway: httpx.Client, database: Database, customer: NewCustomer, queued: list[str]
) -> None:
    with database.statement() as sql:
        admission_control.pause(sql, PauseScope.MODEL, "nano-banana", Reason("ann"))
        sql.run("UPDATE admissions SET place = 'held', held_by = 'pause' WHERE place = 'waiting'")
    told = read(gateway, f"/v1/generations/{queued[1]}", customer)["queue"]
    assert told == {"reason": "paused", "ahead": None, "estimated_start_at": None}
    estimate = gateway.post("/v1/estimate", json=ORDER, headers=customer.headers).json()
    assert estimate["expected_wait_seconds"] is None


def test_an_estimate_includes_the_wait_for_the_provider(
    gateway: httpx.Client, customer: NewCustomer, queued: list[str]
) -> None:
    estimate = gateway.post("/v1/estimate", json=ORDER, headers=customer.headers).json()
    assert 1040 <= estimate["expected_wait_seconds"] <= 1100
    waits = {one["model"]: one["expected_wait_seconds"] for one in estimate["models"]}
    assert waits["nano-banana"] == estimate["expected_wait_seconds"]
    assert queued


def test_an_order_for_a_provider_without_limits_waits_for_nothing(gateway: httpx.Client, customer: NewCustomer) -> None:
    assert gateway.post("/v1/estimate", json=ORDER, headers=customer.headers).json()["expected_wait_seconds"] == 0
    assert read(gateway, "/v1/queue", customer) == {"object": "queue", "waiting": 0, "in_flight": 0, "models": []}
