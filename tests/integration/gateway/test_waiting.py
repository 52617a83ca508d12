"""`Prefer: wait=N`: an order or a read stays open until the generation has ended."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import UUID

import httpx
import pytest

from api_gateway import create_app
from schemas.enums import ErrorCode
from schemas.setting_groups import StreamSettings
from schemas.settings import Settings
from storage.database import Database
from tests.integration.gateway.event_source import STREAM, follow
from tests.integration.gateway.finishing import fail
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation, eventually

ORDER = {"model": "nano-banana", "prompt": "a lighthouse in fog"}


def waiting(seconds: object) -> dict[str, str]:
    return {"Prefer": f"respond-async, wait={seconds}"}


@pytest.fixture
def helper() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def generations_of(gateway: httpx.Client, customer: NewCustomer) -> list[UUID]:
    page = gateway.get("/v1/events", headers=customer.headers).json()
    return [UUID(event["generation_id"]) for event in page["data"]]


def test_order_is_answered_at_the_end_of_the_generation(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, helper: ThreadPoolExecutor
) -> None:
    sent = helper.submit(
        gateway.post, "/v1/generations", json=ORDER, headers=customer.headers | waiting(60) | {"Idempotency-Key": "1"}
    )
    (generation_id,) = eventually(lambda: generations_of(gateway, customer), bool)
    assert not sent.done()
    fail(database, settings, generation_id, ErrorCode.PROVIDER_FAILED, "the vendor failed")
    answer = sent.result()
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert answer.headers["preference-applied"] == "wait=60"
    assert answer.headers["location"] == f"/v1/generations/{generation_id}"
    again = gateway.post(
        "/v1/generations", json=ORDER, headers=customer.headers | waiting(60) | {"Idempotency-Key": "1"}
    )
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json() == answer.json()


def test_answer_comes_after_the_time_although_the_generation_goes_on(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    began = time.monotonic()
    ordered = gateway.post("/v1/generations", json=ORDER, headers=customer.headers | waiting(1))
    assert time.monotonic() - began >= 1
    assert (ordered.status_code, ordered.json()["status"]) == (202, "queued")
    assert ordered.headers["preference-applied"] == "wait=1"
    read = gateway.get(ordered.headers["location"], headers=customer.headers | waiting(1))
    assert (read.status_code, read.json()["status"]) == (200, "queued")


def test_read_of_a_finished_generation_does_not_wait(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    fail(database, settings, generation_id, ErrorCode.TIMEOUT, "too late")
    answer = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers | waiting(999))
    assert answer.json()["status"] == "failed"
    assert answer.headers["preference-applied"] == "wait=60"


@pytest.mark.parametrize("given", ["soon", "-1", "1.5", "", 0])
def test_preference_without_sense_is_ignored(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, given: object
) -> None:
    generation_id = a_generation(database, settings, customer)
    answer = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers | waiting(given))
    assert answer.json()["status"] == "queued"
    assert "preference-applied" not in answer.headers


def test_order_without_a_free_place_is_accepted_and_answered_at_once(settings: Settings, customer: NewCustomer) -> None:
    limited = settings.model_copy(update={"streams": StreamSettings(each_customer=1)})
    with serving(create_app(limited), limited) as client, follow(client, "/v1/events", customer.headers):
        answer = client.post("/v1/generations", json=ORDER, headers=customer.headers | waiting(60))
        assert answer.status_code == 202
        assert "preference-applied" not in answer.headers


def test_stopping_gateway_answers_waiting_requests_at_once(
    settings: Settings, database: Database, customer: NewCustomer, helper: ThreadPoolExecutor
) -> None:
    update = {"gateway_drain_seconds": 600, "streams": StreamSettings(each_customer=1)}
    patient = settings.model_copy(update=update)
    generation_id = a_generation(database, settings, customer)
    with ExitStack() as running:
        client = running.enter_context(serving(create_app(patient), patient))
        with httpx.Client(base_url=client.base_url, timeout=70, trust_env=False) as other:
            headers = customer.headers | waiting(60)
            sent = helper.submit(other.get, f"/v1/generations/{generation_id}", headers=headers)
            # The request takes the customer's only place.
            eventually(
                lambda: client.head("/v1/events", headers=customer.headers | STREAM).status_code,
                lambda status: status == 429,
            )
            running.close()
            assert sent.result().json()["status"] == "queued"
