"""`/v1/batches` and `number_of_outputs`, as a customer uses them."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import redis
from sqlalchemy import text

from schemas.enums import ErrorCode, Queue
from schemas.settings import Settings
from storage import customers
from storage.api_keys import Owner, Terms
from storage.audit import audit_online
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.media_files.images import png
from tests.support import NewCustomer, eventually

PATH = "/v1/batches"
PRICE = 4
REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog"}


def send(gateway: httpx.Client, customer: NewCustomer, body: object, path: str = PATH, **headers: str) -> Any:
    return gateway.post(path, json=body, headers=customer.headers | headers)


def of(count: int) -> dict[str, object]:
    return {"request": {"model": "nano-banana"}, "prompts": [f"boat {number}" for number in range(count)]}


def money(gateway: httpx.Client, customer: NewCustomer) -> tuple[int, int]:
    body = gateway.get("/v1/credits", headers=customer.headers).json()
    return body["available"], body["held"]


def count_of(database: Database) -> int:
    with database.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM generations")).scalar_one())


def ids(batch: Any) -> list[str]:
    return [one["id"] for one in batch["generations"]["data"]]


def test_batch_is_accepted_and_read_in_the_order_of_its_requests(gateway: httpx.Client, customer: NewCustomer) -> None:
    prompts = [f"boat {number}" for number in range(9)]

    answer = send(gateway, customer, {"requests": [REQUEST | {"prompt": prompt} for prompt in prompts]})

    batch = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"{PATH}/{batch['id']}")
    assert [one["inputs"]["prompt"] for one in batch["generations"]["data"]] == prompts
    assert batch["counts"] == {
        "total": 9, "queued": 9, "processing": 0, "completed": 0, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    assert batch["credits"] == {"price": 36, "held": 36, "captured": 0, "released": 0}
    assert money(gateway, customer) == (64, 36)
    assert gateway.get(answer.headers["location"], headers=customer.headers).json() == batch
    listed = gateway.get("/v1/generations", params={"batch_id": batch["id"]}, headers=customer.headers).json()
    assert [one["id"] for one in listed["data"]] == ids(batch)


def test_pages_of_a_batch_have_the_cursor_of_every_list(gateway: httpx.Client, customer: NewCustomer) -> None:
    batch = send(gateway, customer, of(3)).json()
    path = f"{PATH}/{batch['id']}"

    first = gateway.get(path, params={"limit": 2}, headers=customer.headers).json()
    cursor = first["generations"]["next_cursor"]
    second = gateway.get(path, params={"limit": 2, "cursor": cursor}, headers=customer.headers).json()

    assert ids(first) + ids(second) == ids(batch)
    assert second["generations"]["has_more"] is False
    wrong = gateway.get(path, params={"cursor": "x"}, headers=customer.headers)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "cursor")


def test_counts_credits_and_end_of_a_batch_follow_its_generations(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    batch = send(gateway, customer, of(2)).json()
    done, failed = ids(batch)
    path = f"{PATH}/{batch['id']}"

    complete(database, settings, objects, UUID(done), b"a picture")
    between = gateway.get(path, headers=customer.headers).json()
    fail(database, settings, UUID(failed), ErrorCode.TIMEOUT, "not finished before its deadline")
    ended = gateway.get(path, headers=customer.headers).json()

    assert (between["counts"]["completed"], between["finished_at"]) == (1, None)
    assert (ended["counts"]["completed"], ended["counts"]["failed"]) == (1, 1)
    assert ended["credits"] == {"price": 8, "held": 0, "captured": 4, "released": 4}
    assert ended["finished_at"] is not None


def test_several_outputs_of_one_order_are_a_batch(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = send(gateway, customer, REQUEST | {"number_of_outputs": 3}, "/v1/generations")

    batch = answer.json()
    assert (answer.status_code, batch["object"], batch["counts"]["total"]) == (202, "batch", 3)
    assert answer.headers["location"] == f"{PATH}/{batch['id']}"
    assert len({one["id"] for one in batch["generations"]["data"]}) == 3
    assert money(gateway, customer) == (88, 12)


def test_same_key_and_body_give_the_same_batch_and_any_other_body_is_refused(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    key = {"Idempotency-Key": "album-1"}
    first = send(gateway, customer, of(2), **key)
    again = send(gateway, customer, of(2), **key)

    assert again.json() == first.json()
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    for path, body in (
        (PATH, of(3)),
        ("/v1/generations", REQUEST),
        ("/v1/generations", REQUEST | {"number_of_outputs": 2}),
    ):
        other = send(gateway, customer, body, path, **key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch"), path
    assert money(gateway, customer) == (92, 8)


def test_same_batch_sent_many_times_at_once_is_made_once(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda _: send(gateway, customer, of(5), **{"Idempotency-Key": "k"}), range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (count_of(database), money(gateway, customer)) == (5, (80, 20))


def test_one_wrong_request_refuses_all_and_each_wrong_place_is_named(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    wrong = [REQUEST, REQUEST | {"model": "no-such"}, REQUEST, REQUEST | {"aspect_ratio": "7:1"}]

    answer = send(gateway, customer, {"requests": wrong})

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["requests.1.model", "requests.3.aspect_ratio"]
    assert "requests.1: " in answer.json()["detail"]
    assert (count_of(database), money(gateway, customer)) == (0, (100, 0))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"requests": [REQUEST, {"model": "nano-banana"}]}, "requests.1.prompt"),
        ({"requests": [REQUEST, REQUEST | {"image_urls": [f"upload:{uuid4()}"]}]}, "requests.1.image_urls.0"),
        ({"requests": [REQUEST, REQUEST | {"image_urls": ["data:image/png;base64,AAAA"]}]}, "requests.1.image_urls.0"),
        ({"request": REQUEST | {"prompt": ""}, "prompts": ["a boat"]}, "request.prompt"),
        ({"request": {"model": "nano-banana"}, "prompts": ["a boat", ""]}, "prompts.1"),
        ({"requests": [REQUEST] * 101}, "requests"),
        ({}, "body"),
        ({"requests": [REQUEST], "prompts": ["a boat"]}, "body"),
        ({"request": {"model": "nano-banana"}}, "body"),
        ({"requests": [REQUEST | {"number_of_outputs": 10}] * 11}, "body"),
    ],
)
def test_malformed_batch_is_refused_by_its_place(
    gateway: httpx.Client, customer: NewCustomer, body: object, field: str
) -> None:
    answer = send(gateway, customer, body)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field]), answer.text


def test_too_few_credits_for_the_whole_batch_refuse_all(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    answer = send(gateway, customer, of(26))
    body = answer.json()
    assert (answer.status_code, body["credits_needed"], body["credits_available"]) == (402, 104, 100)
    assert (count_of(database), money(gateway, customer)) == (0, (100, 0))


def test_batch_with_a_file_and_a_preview_needs_the_price_of_the_previews_picture(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer]
) -> None:
    poor = make_customer(20)
    picture = f"data:image/png;base64,{base64.b64encode(png(64, 64)).decode()}"
    preview = {"model": "kling-2.6-text-to-video", "prompt": "a boat", "preview": True}
    edit = {"model": "nano-banana-edit", "prompt": "at night", "image_urls": [picture]}
    answer = send(gateway, poor, {"requests": [preview, edit]})
    assert answer.status_code == 202, answer.text
    assert money(gateway, poor) == (20 - 2 * PRICE, 2 * PRICE)


def test_cap_of_a_key_counts_the_whole_batch(gateway: httpx.Client, database: Database, customer: NewCustomer) -> None:
    with database.transaction() as session:
        key = customers.create_key_of(session, Owner(customer.id), Terms(daily_cap=10)).material
    capped = NewCustomer(customer.id, key)

    refused = send(gateway, capped, of(3))
    accepted = send(gateway, capped, of(2))

    assert (refused.status_code, refused.json()["code"]) == (402, "daily_cap_reached")
    assert accepted.status_code == 202
    assert money(gateway, customer) == (92, 8)


@pytest.mark.parametrize(
    ("batches", "size", "affordable"),
    [(20, 10, 70), pytest.param(200, 100, 7000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
def test_parallel_batches_spend_the_credits_in_whole_batches(
    gateway: httpx.Client,
    database: Database,
    make_customer: Callable[[int], NewCustomer],
    batches: int,
    size: int,
    affordable: int,
) -> None:
    customer = make_customer(affordable * PRICE)

    def order(_: int) -> int:
        answer = gateway.post(PATH, json=of(size), headers=customer.headers, timeout=600)
        return int(answer.status_code)

    with ThreadPoolExecutor(batches) as senders:
        answers = sorted(senders.map(order, range(batches)))

    accepted = affordable // size
    assert answers == [202] * accepted + [402] * (batches - accepted)
    with database.transaction() as session:
        sizes = session.execute(text("SELECT count(*) FROM generation_labels GROUP BY batch_id")).scalars().all()
        holds = session.execute(text("SELECT count(*) FROM ledger_transfers WHERE kind = 'hold'")).scalar_one()
    assert (sizes, holds) == ([size] * accepted, affordable)
    assert money(gateway, customer) == (0, affordable * PRICE)
    assert audit_online(database, window=timedelta(hours=1)).breaches == []


def test_cancelled_batch_gives_its_credits_back(gateway: httpx.Client, customer: NewCustomer) -> None:
    batch = send(gateway, customer, of(3)).json()
    path = f"{PATH}/{batch['id']}/cancel"

    answer = gateway.post(path, headers=customer.headers)
    again = gateway.post(path, headers=customer.headers)

    assert (answer.status_code, answer.json()["counts"]["cancelled"]) == (200, 3)
    assert answer.json()["credits"] == {"price": 12, "held": 0, "captured": 0, "released": 12}
    assert again.json() == answer.json()
    assert money(gateway, customer) == (100, 0)


def test_cancel_of_a_batch_leaves_what_has_ended(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    batch = send(gateway, customer, of(2)).json()
    done, waiting = ids(batch)
    path = f"{PATH}/{batch['id']}/cancel"
    complete(database, settings, objects, UUID(done), b"a picture")

    answer = gateway.post(path, headers=customer.headers)

    assert answer.status_code == 200
    assert {one["id"]: one["status"] for one in answer.json()["generations"]["data"]} == {
        done: "completed", waiting: "cancelled",
    }  # fmt: skip


def test_cancel_of_a_batch_that_has_ended_is_refused(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    batch = send(gateway, customer, of(1)).json()
    complete(database, settings, objects, UUID(ids(batch)[0]), b"a picture")
    refused = gateway.post(f"{PATH}/{batch['id']}/cancel", headers=customer.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_cancellable")


def test_batch_of_another_customer_is_not_found(
    gateway: httpx.Client, customer: NewCustomer, make_customer: Callable[[int], NewCustomer]
) -> None:
    batch = send(gateway, customer, of(1)).json()
    stranger = make_customer(0)
    path = f"{PATH}/{batch['id']}"
    assert gateway.get(path, headers=stranger.headers).status_code == 404
    assert gateway.post(f"{path}/cancel", headers=stranger.headers).status_code == 404


def test_each_generation_of_a_batch_is_woken_at_once(
    gateway: httpx.Client, customer: NewCustomer, broker: redis.Redis
) -> None:
    made = ids(send(gateway, customer, of(20)).json())

    def woken() -> list[str]:
        messages = str(broker.lrange(Queue.SUBMIT.value, 0, -1))
        return [generation_id for generation_id in made if f"{generation_id}.queued" in messages]

    eventually(woken, lambda found: found == made)
    assert len(made) == 20
