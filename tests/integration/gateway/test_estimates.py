"""`POST /v1/estimate` as a customer uses it."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from schemas.settings import Settings
from storage.database import Database
from tests.support import NewCustomer, a_generation

PATH = "/v1/estimate"
REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog"}


def estimate(gateway: httpx.Client, customer: NewCustomer, **fields: object) -> Any:
    return gateway.post(PATH, json=REQUEST | fields, headers=customer.headers)


def test_estimate_is_the_price_of_the_order_and_holds_nothing(gateway: httpx.Client, customer: NewCustomer) -> None:
    told = estimate(gateway, customer, number_of_outputs=3).json()
    made = gateway.post("/v1/generations", json=REQUEST | {"number_of_outputs": 3}, headers=customer.headers).json()

    assert (told["object"], told["model"], told["credits"]) == ("estimate", "nano-banana", made["credits"]["price"])
    listed = gateway.get("/v1/generations", headers=customer.headers).json()
    assert len(listed["data"]) == 3


def test_estimate_names_the_models_that_could_do_it(gateway: httpx.Client, customer: NewCustomer) -> None:
    told = estimate(gateway, customer).json()
    prices = {one["model"]: one["credits"] for one in told["models"]}
    assert prices["nano-banana"] == told["credits"]
    assert "nano-banana-pro" in prices
    assert "nano-banana-edit" not in prices  # needs a picture
    assert not any(name.startswith("veo") for name in prices)


def test_estimate_tells_the_usual_time_of_the_newest_completed_generations(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    assert estimate(gateway, customer).json()["usual_seconds"] is None
    for _ in range(3):
        a_generation(database, settings, customer)
    with database.transaction() as session:
        session.execute(
            text("""
                UPDATE generations SET stage = 'completed', wake_at = NULL,
                       finished_at = created_at + make_interval(secs => 10 * number)
                FROM (SELECT id, row_number() OVER () AS number FROM generations) AS numbered
                WHERE numbered.id = generations.id
            """)
        )
    assert estimate(gateway, customer).json()["usual_seconds"] == {"p50": 20.0, "p90": 28.0, "sample": 3}


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"aspect_ratio": "7:1"}, 422, "aspect_ratio"),
        ({"model": "no-such"}, 422, "model"),
        ({"prompt": ""}, 422, "prompt"),
    ],
)
def test_estimate_refuses_what_the_order_would_refuse(
    gateway: httpx.Client, customer: NewCustomer, fields: dict[str, object], status: int, field: str
) -> None:
    answer = estimate(gateway, customer, **fields)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
    order = gateway.post("/v1/generations", json=REQUEST | fields, headers=customer.headers)
    assert order.json() == answer.json()
