"""A generation tells of its life, and a customer rates its result."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

import httpx
import pytest

from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.support import NewCustomer, a_generation, an_order

PATH = "/v1/generations"


def test_rating_is_shown_and_may_change(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")
    path = f"{PATH}/{generation_id}"
    before = gateway.get(path, headers=customer.headers).json()

    first = gateway.post(f"{path}/rating", json={"rating": 5}, headers=customer.headers)
    second = gateway.post(f"{path}/rating", json={"rating": 2}, headers=customer.headers)

    assert (first.status_code, first.json()["rating"], second.json()["rating"]) == (200, 5, 2)
    assert second.json() == gateway.get(path, headers=customer.headers).json()
    assert before["rating"] is None
    assert second.json()["updated_at"] > first.json()["updated_at"] > before["updated_at"]


def test_only_a_result_of_the_customer_can_be_rated(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    customer: NewCustomer,
    make_customer: Callable[[int], NewCustomer],
) -> None:
    queued, failed = (a_generation(database, settings, customer) for _ in range(2))
    fail(database, settings, failed, ErrorCode.TIMEOUT, "not finished before its deadline")
    other = make_customer(0).headers

    def code(generation_id: object, headers: dict[str, str]) -> str:
        answer = gateway.post(f"{PATH}/{generation_id}/rating", json={"rating": 3}, headers=headers)
        return f"{answer.status_code} {answer.json()['code']}"

    assert code(queued, customer.headers) == "409 not_ready"
    assert code(failed, customer.headers) == "409 no_result"
    assert code(queued, other) == "404 not_found"


@pytest.mark.parametrize(
    "body", [{}, {"rating": 0}, {"rating": 6}, {"rating": 2.5}, {"rating": True}, {"rating": None}]
)
def test_senseless_rating_is_refused(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, body: object
) -> None:
    generation_id = a_generation(database, settings, customer)

    answer = gateway.post(f"{PATH}/{generation_id}/rating", json=body, headers=customer.headers)

    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == ["rating"]


def test_finished_generation_tells_of_its_times(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")

    body = gateway.get(f"{PATH}/{generation_id}", headers=customer.headers).json()

    moments = [datetime.fromisoformat(body[name]) for name in ("created_at", "started_at", "finished_at", "updated_at")]
    assert moments == sorted(moments)
    assert 0 <= body["render_seconds"] <= (moments[2] - moments[1]).total_seconds()
    assert (body["provider"], body["provider_seconds"]) == ("kie", 7.5)


def test_repeats_and_batches_are_linked_both_ways(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    batch = uuid4()
    first = a_generation(database, settings, customer, an_order().model_copy(update={"batch_id": batch}))
    second = a_generation(database, settings, customer, an_order().model_copy(update={"retry_of": first}))

    def links(generation_id: UUID) -> list[str | None]:
        body = gateway.get(f"{PATH}/{generation_id}", headers=customer.headers).json()
        return [body["batch_id"], body["retry_of"], body["retried_by"]]

    assert links(first) == [str(batch), None, str(second)]
    assert links(second) == [None, str(first), None]
