"""`POST /v1/generations/{id}/retry` as a customer uses it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from schemas.enums import ErrorCode
from schemas.settings import Settings
from schemas.tables import Generation
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.media_files.images import png
from tests.support import NewCustomer

PATH = "/v1/generations"


@pytest.fixture
def order(gateway: httpx.Client, customer: NewCustomer) -> Callable[..., Any]:
    """Orders an image."""

    def send(**fields: object) -> Any:
        request = {"model": "google/nano-banana", "prompt": "a lighthouse in fog"} | fields
        answer = gateway.post(PATH, json=request, headers=customer.headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    return send


@pytest.fixture
def failed(order: Callable[..., Any], database: Database, settings: Settings) -> Callable[..., Any]:
    """Orders an image that fails."""

    def make(**fields: object) -> Any:
        made = order(**fields)
        fail(database, settings, UUID(made["id"]), ErrorCode.TIMEOUT, "not finished before its deadline")
        return made

    return make


@pytest.fixture
def retry(gateway: httpx.Client, customer: NewCustomer) -> Callable[..., httpx.Response]:
    """Retries a generation."""
    return lambda made, **headers: gateway.post(f"{PATH}/{made['id']}/retry", headers=customer.headers | headers)


def test_retry_orders_the_same_again(
    gateway: httpx.Client, customer: NewCustomer, failed: Callable[..., Any], retry: Callable[..., httpx.Response]
) -> None:
    first = failed(style="noir", aspect_ratio="16:9", reference="k123", metadata={"shop": "7"}, deadline_seconds=60)

    answer = retry(first)

    again = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"{PATH}/{again['id']}")
    same = ("kind", "model", "requested_model", "inputs", "reference", "metadata")
    assert {name: again[name] for name in same} == {name: first[name] for name in same}
    assert again["inputs"]["prompt"].count("Style: ") == 1
    assert (again["id"] != first["id"], again["status"], again["credits"]["held"]) == (True, "queued", 4)
    assert gateway.get(f"{PATH}/{again['id']}", headers=customer.headers).json() == again


def test_second_retry_returns_the_first_unless_it_has_a_new_key(
    gateway: httpx.Client, customer: NewCustomer, failed: Callable[..., Any], retry: Callable[..., httpx.Response]
) -> None:
    first = failed()

    once, twice = retry(first), retry(first)
    keyed, repeated = (retry(first, **{"Idempotency-Key": "again"}) for _ in range(2))

    assert (twice.json(), twice.headers["idempotency-replayed"]) == (once.json(), "true")
    assert keyed.json()["id"] not in {first["id"], once.json()["id"]}
    assert (repeated.json(), repeated.headers["idempotency-replayed"]) == (keyed.json(), "true")
    assert gateway.get("/v1/credits", headers=customer.headers).json()["held"] == 8


def test_retries_at_the_same_time_are_one(failed: Callable[..., Any], retry: Callable[..., httpx.Response]) -> None:
    first = failed()
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda _: retry(first), range(8)))
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_only_what_has_ended_can_be_retried(
    order: Callable[..., Any],
    retry: Callable[..., httpx.Response],
    database: Database,
    settings: Settings,
    objects: ObjectStore,
) -> None:
    waiting, done = order(), order()
    complete(database, settings, objects, UUID(done["id"]), b"a picture")
    refused = retry(waiting)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_finished")
    assert retry(done).status_code == 202


def test_retry_whose_input_is_gone_says_so(
    gateway: httpx.Client, customer: NewCustomer, failed: Callable[..., Any], retry: Callable[..., httpx.Response]
) -> None:
    upload = gateway.post("/v1/uploads", content=png(64, 64), headers=customer.headers).json()
    first = failed(model="nano-banana-edit", image_urls=[upload["url"]])
    gateway.delete(f"/v1/uploads/{upload['id']}", headers=customer.headers)

    answer = retry(first)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["image_urls.0"]
    assert "expired" in answer.json()["detail"]


def test_retry_of_another_customers_generation_is_not_found(
    gateway: httpx.Client, failed: Callable[..., Any], make_customer: Callable[[int], NewCustomer]
) -> None:
    first = failed()
    stranger = make_customer(10)
    assert gateway.post(f"{PATH}/{first['id']}/retry", headers=stranger.headers).status_code == 404


def test_retry_keeps_the_turn_of_the_order_and_starts_at_once(
    failed: Callable[..., Any], retry: Callable[..., httpx.Response], database: Database
) -> None:
    start = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    first = failed(priority="high", start_within=60, not_before=start, deadline_seconds=120)
    again = retry(first).json()
    assert (again["priority"], again["not_before"]) == ("high", None)
    assert seconds_from_acceptance(again, "start_by") == 60
    assert seconds_from_acceptance(again, "deadline_at") == pytest.approx(120, abs=5)
    with database.transaction() as session:
        assert session.get_one(Generation, UUID(again["id"])).order["counts_from_acceptance"] is True


def seconds_from_acceptance(generation: Any, name: str) -> float:
    began = datetime.fromisoformat(generation["created_at"])
    return (datetime.fromisoformat(generation[name]) - began).total_seconds()
