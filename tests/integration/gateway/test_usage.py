"""`GET /v1/usage` as a customer uses it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.support import NewCustomer, a_generation, an_order

PATH = "/v1/usage"

# The second generation is of the day before.
AGED = """
    UPDATE generations SET started_at = '2026-11-20T10:00:00Z', rendered_at = '2026-11-20T10:00:08Z', rating = 4
    WHERE id = :done;
    INSERT INTO generation_downloads (generation_id, downloads) VALUES (:done, 3);
    UPDATE generation_labels SET created_at = '2026-11-20T23:59:59Z' WHERE generation_id = :done;
    UPDATE generation_labels SET created_at = '2026-11-21T00:00:00Z' WHERE generation_id <> :done;
"""


def test_use_is_counted_by_day_and_model(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Callable[[int], NewCustomer],
) -> None:
    customer, other = make_customer(100), make_customer(100)
    done, failed, waiting = (a_generation(database, settings, customer, an_order(price=7)) for _ in range(3))
    a_generation(database, settings, other)
    complete(database, settings, objects, done, b"a picture", poster=True)
    fail(database, settings, failed, ErrorCode.TIMEOUT, "not finished before its deadline")
    gateway.post(f"/v1/generations/{waiting}/cancel", headers=customer.headers)
    with database.transaction() as session:
        for statement in AGED.strip().rstrip(";").split(";"):
            session.execute(text(statement), {"done": done})

    period = {"first_day": "2026-11-20", "last_day": "2026-11-21"}
    told = gateway.get(PATH, params=period, headers=customer.headers).json()

    first = {"day": "2026-11-20", "model": "nano-banana", "count": 1, "completed": 1, "failed": 0, "cancelled": 0}
    second = {"day": "2026-11-21", "model": "nano-banana", "count": 2, "completed": 0, "failed": 1, "cancelled": 1}
    assert told["data"] == [
        second | {"credits": 0, "downloads": 0, "render_seconds": None, "mean_rating": None},
        first | {"credits": 7, "downloads": 3, "render_seconds": {"p50": 8.0, "p95": 8.0}, "mean_rating": 4.0},
    ]
    assert told["stored_bytes"]["results"] == len(b"a picture")
    assert told["stored_bytes"]["posters"] > 0
    today = gateway.get(PATH, params={"last_day": "2026-11-20"}, headers=customer.headers).json()
    assert (today["first_day"], len(today["data"])) == ("2026-10-22", 1)


@pytest.mark.parametrize(
    ("period", "field"),
    [
        ({"first_day": "2026-01-01", "last_day": "2026-04-03"}, "first_day"),
        ({"first_day": "2026-01-02", "last_day": "2026-01-01"}, "first_day"),
        ({"first_day": "yesterday"}, "first_day"),
        ({"last_day": "9999-12-31"}, "last_day"),
        ({"from": "2026-01-01"}, "from"),
    ],
)
def test_wrong_period_is_refused(
    gateway: httpx.Client, customer: NewCustomer, period: dict[str, Any], field: str
) -> None:
    answer = gateway.get(PATH, params=period, headers=customer.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


def test_period_of_92_days_is_the_longest(gateway: httpx.Client, customer: NewCustomer) -> None:
    period = {"first_day": "2026-01-01", "last_day": "2026-04-02"}
    assert gateway.get(PATH, params=period, headers=customer.headers).status_code == 200
    assert gateway.get(PATH, params={"last_day": "0001-01-01"}, headers=customer.headers).status_code == 200
