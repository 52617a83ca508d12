import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest
import redis
from sqlmodel import Session, func, select

from schemas.enums import ErrorCode, Queue
from schemas.ledger_tables import LedgerTransfer
from schemas.settings import Settings
from schemas.tables import Event, Generation
from storage import ledger
from storage.database import Database
from storage.ledger import Balance
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import REMOTE_ID, RESULT_URL, claim, complete, fail
from tests.support import NewCustomer, a_generation, eventually

REQUEST: dict[str, object] = {
    "model": "nano-banana",
    "prompt": "a lighthouse in fog",
    "aspect_ratio": "16:9",
    "reference": "k123",
    "metadata": {"order": "1234"},
}


def _counts(session: Session) -> tuple[int, int, int]:
    def count(table: type) -> int:
        return session.exec(select(func.count()).select_from(table)).one()

    return count(Generation), count(Event), count(LedgerTransfer)


def test_an_order_is_accepted_and_its_price_is_held(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    answer = gateway.post("/v1/generations", json=REQUEST, headers=customer.headers)

    assert answer.status_code == 202
    assert "idempotency-replayed" not in answer.headers
    body = answer.json()
    path = f"/v1/generations/{body['id']}"
    assert answer.headers["location"] == path
    created_at = datetime.fromisoformat(body.pop("created_at"))
    assert datetime.fromisoformat(body.pop("updated_at")) >= created_at
    deadline_at = datetime.fromisoformat(body.pop("deadline_at"))
    assert created_at.utcoffset() == timedelta(0)
    assert timedelta(seconds=599) < deadline_at - created_at < timedelta(seconds=601)
    assert body == {
        "id": body["id"],
        "object": "generation",
        "status": "queued",
        "stage": "queued",
        "progress": 0,
        "kind": "image",
        "model": "nano-banana",
        "requested_model": "nano-banana",
        "provider": "kie",
        "priority": "normal",
        "not_before": None,
        "start_by": None,
        "batch_id": None,
        "retry_of": None,
        "retried_by": None,
        "preview_of": None,
        "continuation_of": None,
        "continued_by": None,
        "lost_runs": 0,
        "variants": [],
        "inputs": {
            "prompt": "a lighthouse in fog",
            "negative_prompt": None,
            "style": None,
            "image_urls": [],
            "video_urls": [],
            "aspect_ratio": "16:9",
            "resolution": None,
            "duration_seconds": None,
            "fps": None,
            "motion": None,
            "seed": None,
            "generate_audio": None,
            "audio": None,
            "enhance_prompt": None,
            "output_format": "png",
        },
        "credits": {"price": 4, "held": 4, "captured": 0, "released": 0},
        "queue": None,
        "error": None,
        "outcome": None,
        "cancel_requested_at": None,
        "assets": [],
        "downloads": 0,
        "reference": "k123",
        "metadata": {"order": "1234"},
        "callback_url": None,
        "rating": None,
        "started_at": None,
        "finished_at": None,
        "render_seconds": None,
        "provider_seconds": None,
        "links": {"self": path, "content": None, "thumbnail": None},
    }
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == Balance(available=96, held=4)
    again = gateway.get(path, headers=customer.headers)
    assert again.status_code == 200
    assert again.json() == answer.json()


def test_the_wake_up_contains_the_id_and_not_the_request(
    gateway: httpx.Client, customer: NewCustomer, broker: redis.Redis
) -> None:
    generation_id = gateway.post("/v1/generations", json=REQUEST, headers=customer.headers).json()["id"]

    eventually(lambda: broker.llen(Queue.SUBMIT.value), lambda length: length == 1)
    [message] = [json.loads(raw) for raw in broker.lrange(Queue.SUBMIT.value, 0, -1)]
    assert message["headers"]["task"] == "generation.submit"
    assert message["headers"]["id"] == f"{generation_id}.queued.1"
    text = json.dumps(message["headers"]) + base64.b64decode(message["body"]).decode()
    assert "lighthouse" not in text
    assert customer.api_key not in text


def test_the_same_key_and_body_give_the_same_generation(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    headers = customer.headers | {"Idempotency-Key": "order-1234"}

    first = gateway.post("/v1/generations", json=REQUEST, headers=headers)
    second = gateway.post("/v1/generations", json=REQUEST, headers=headers)

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert second.json() == first.json()
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == Balance(available=96, held=4)


def test_one_key_from_many_connections_at_once_makes_one_generation(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    headers = customer.headers | {"Idempotency-Key": "order-1234"}

    def order(_: int) -> httpx.Response:
        return gateway.post("/v1/generations", json=REQUEST, headers=headers)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(order, range(8)))

    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == Balance(available=96, held=4)


def test_the_same_key_with_another_body_is_refused(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    headers = customer.headers | {"Idempotency-Key": "order-1234"}
    gateway.post("/v1/generations", json=REQUEST, headers=headers)

    answer = gateway.post("/v1/generations", json=REQUEST | {"prompt": "a harbour"}, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_mismatch"
    with database.transaction() as session:
        assert _counts(session) == (1, 1, 2)


def test_two_customers_may_use_the_same_key(gateway: httpx.Client, make_customer: Callable[[int], NewCustomer]) -> None:
    customers = [make_customer(100), make_customer(100)]

    ids = {
        gateway.post(
            "/v1/generations", json=REQUEST, headers=customer.headers | {"Idempotency-Key": "order-1234"}
        ).json()["id"]
        for customer in customers
    }

    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", "tab\there"])
def test_a_bad_idempotency_key_is_refused(gateway: httpx.Client, customer: NewCustomer, key: str) -> None:
    answer = gateway.post("/v1/generations", json=REQUEST, headers=customer.headers | {"Idempotency-Key": key})

    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == ["Idempotency-Key"]


def test_an_order_with_too_few_credits_inserts_nothing(
    gateway: httpx.Client, database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(3)

    answer = gateway.post("/v1/generations", json=REQUEST, headers=customer.headers)

    assert answer.status_code == 402
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:reelworks:problem:insufficient_credits",
        "title": "Insufficient credits",
        "status": 402,
        "code": "insufficient_credits",
        "detail": "this order needs 4 credits and 3 are available",
        "credits_needed": 4,
        "credits_available": 3,
    }
    with database.transaction() as session:
        assert _counts(session) == (0, 0, 1)
        assert ledger.balance(session, customer.id) == Balance(available=3, held=0)


def test_a_retired_model_names_its_successor(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = gateway.post("/v1/generations", json=REQUEST | {"model": "sora-2"}, headers=customer.headers)

    assert answer.status_code == 410
    assert answer.json()["code"] == "model_retired"
    assert answer.json()["successor"] == "kling-2.6-text-to-video"


def test_an_unsupported_value_is_refused_with_the_supported_values(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    request = {"model": "kling-2.6-text-to-video", "prompt": "a boat", "duration_seconds": 7}

    answer = gateway.post("/v1/generations", json=request, headers=customer.headers)

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"
    [problem] = answer.json()["errors"]
    assert problem["field"] == "duration_seconds"
    assert problem["allowed"] == [5, 10]


def test_a_generation_of_another_customer_is_not_found(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer]
) -> None:
    theirs = gateway.post("/v1/generations", json=REQUEST, headers=make_customer(100).headers).headers["location"]
    mine = make_customer(100).headers

    answers = [gateway.get(theirs + end, headers=mine) for end in ("", "/content", "/thumbnail")]
    answers.append(gateway.get(f"/v1/generations/{uuid4()}", headers=mine))

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 4


def test_a_failed_generation_shows_its_error_and_releases_its_credits(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    fail(database, settings, generation_id, ErrorCode.CONTENT_REJECTED, "the prompt was refused")

    body = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers).json()

    assert (body["status"], body["stage"]) == ("failed", "failed")
    assert body["error"] == {"code": "content_rejected", "message": "the prompt was refused"}
    assert body["credits"] == {"price": 10, "held": 0, "captured": 0, "released": 10}
    assert body["finished_at"] is not None
    assert body["links"]["content"] is None


def test_a_completed_generation_shows_its_asset_and_hides_the_vendor(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    asset = complete(database, settings, objects, generation_id, b"a picture")

    answer = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers)

    body = answer.json()
    assert (body["status"], body["progress"], body["error"]) == ("completed", 100, None)
    assert body["credits"] == {"price": 10, "held": 0, "captured": 10, "released": 0}
    assert body["assets"] == [
        {
            "role": "result",
            "content_type": "image/png",
            "size_bytes": 9,
            "sha256": asset.sha256,
            "width": 1024,
            "height": 768,
            "duration_seconds": None,
            "frame_rate": None,
            "codec": "png",
            "bit_rate": None,
            "expires_at": None,
            "expired_at": None,
        }
    ]
    path = f"/v1/generations/{generation_id}"
    assert body["links"] == {"self": path, "content": f"{path}/content", "thumbnail": None}
    for secret in (REMOTE_ID, RESULT_URL, asset.object_key):
        assert secret not in answer.text


def test_a_claimed_generation_does_not_show_its_lease(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    held = claim(database, settings, generation_id)

    answer = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers)

    assert answer.status_code == 200
    assert str(held.token) not in answer.text


def test_credits_show_available_and_held_credits(gateway: httpx.Client, customer: NewCustomer) -> None:
    gateway.post("/v1/generations", json=REQUEST, headers=customer.headers)

    answer = gateway.get("/v1/credits", headers=customer.headers)

    assert answer.status_code == 200
    assert answer.json() == {"object": "credits", "available": 96, "held": 4}
