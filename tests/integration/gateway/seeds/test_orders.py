"""`/video` and `/image`: the requests of the seed as printed there, over HTTP."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import select

from schemas.enums import ErrorCode
from schemas.orders import Order
from schemas.settings import Settings
from schemas.tables import Generation
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.integration.gateway.seeds.orders import BODY, PRICE, PRINTED, accepted, plain
from tests.media_files.images import png


def test_the_printed_request_gets_the_printed_answer(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    headers: dict[str, str],
    helper: ThreadPoolExecutor,
) -> None:
    sent = helper.submit(gateway.post, "/video/generate", json=PRINTED, headers=headers)
    (generation_id,) = accepted(database)
    assert not sent.done()
    complete(database, settings, objects, generation_id, BODY, poster=True)
    answer = sent.result()

    body = answer.json()
    assert (answer.status_code, body["success"], body["code"]) == (200, True, 200)
    data = body["data"]
    assert (data["provider"], data["model"], data["duration"]) == ("gemini", "veo-3.1-fast", 4)
    assert data["settings"]["aspect_ratio"] == "9:16"
    assert data["settings"]["enhance_prompt"] is True
    assert data["served_by"] == {"provider": "kie", "model": "veo-3-fast"}
    assert answer.headers["reelworks-warning"] == "duration_seconds=5 not possible, 4 taken"
    # No key is needed: <video src> sends none.
    assert gateway.get(data["video_url"]).content == BODY
    assert gateway.get(data["thumbnail_url"]).content == b"a poster"
    assert gateway.get(data["status_url"], headers=headers).json()["data"]["video_url"] == data["video_url"]
    saved = gateway.get(f"/video/{data['id']}/download?customer_id=123", headers=headers)
    assert (saved.content, saved.headers["content-disposition"].split(";")[0]) == (BODY, "attachment")


def test_a_request_with_a_prompt_alone_gets_the_defaults(gateway: httpx.Client, make_customer: Any) -> None:
    answer = gateway.post("/video/generate", json=plain(), headers=make_customer(PRICE).headers)

    assert answer.status_code == 202
    data = answer.json()["data"]
    assert data["model"] == "veo-3.1-fast"
    assert data["settings"] == {
        "aspect_ratio": "9:16",
        "resolution": "720p",
        "duration_seconds": 4,
        "enhance_prompt": True,
        "generate_audio": True,
        "number_of_videos": 1,
    }
    # The customer asked for no setting, so no warning names one.
    assert "reelworks-warning" not in answer.headers


def test_after_the_time_the_answer_says_where_to_ask(gateway: httpx.Client, make_customer: Any) -> None:
    customer = make_customer(PRICE)
    answer = gateway.post("/video/generate", json=plain(), headers=customer.headers)

    body = answer.json()
    assert (answer.status_code, body["success"], body["code"]) == (202, True, 202)
    assert body["data"]["status_url"] == answer.headers["location"] == f"/video/{body['data']['id']}"
    asked = gateway.get(answer.headers["location"], headers=customer.headers)
    assert (asked.status_code, asked.json()) == (200, body)
    download = gateway.get(f"{answer.headers['location']}/download", headers=customer.headers)
    assert (download.status_code, download.json()["error"]["code"]) == (409, "not_ready")


def test_several_videos_are_one_order_and_the_first_finished_one_counts(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    helper: ThreadPoolExecutor,
) -> None:
    customer = make_customer(2 * PRICE)
    wanted = {"prompt": "a boat", "settings": {"video": {"number_of_videos": 2}}}
    sent = helper.submit(gateway.post, "/video/generate", json=wanted, headers=customer.headers)
    first, second = accepted(database, 2)
    fail(database, settings, first, ErrorCode.PROVIDER_FAILED, "the vendor failed")
    complete(database, settings, objects, second, BODY)

    body = sent.result().json()
    data = body["data"]
    assert (body["message"], data["status"]) == ("1 of 2 videos are ready", "completed")
    assert [(video["id"], video["status"]) for video in data["videos"]] == [
        (str(first), "failed"),
        (str(second), "completed"),
    ]
    assert data["video_url"] == data["videos"][1]["video_url"]
    assert (data["credits"]["price"], data["credits"]["captured"]) == (2 * PRICE, PRICE)
    assert gateway.get(f"/video/{data['id']}", headers=customer.headers).json() == body


def test_a_download_is_not_ready_while_one_of_several_videos_is_being_made(
    gateway: httpx.Client, database: Database, settings: Settings, make_customer: Any
) -> None:
    customer = make_customer(2 * PRICE)
    data = gateway.post("/video/generate", json=plain(number_of_videos=2), headers=customer.headers).json()["data"]
    fail(database, settings, UUID(data["videos"][0]["id"]), ErrorCode.PROVIDER_FAILED, "the vendor failed")

    asked = gateway.get(f"/video/{data['id']}", headers=customer.headers).json()["data"]
    download = gateway.get(f"/video/{data['id']}/download", headers=customer.headers)

    assert (asked["status"], asked["error"]) == ("processing", None)
    assert (download.status_code, download.json()["error"]["code"]) == (409, "not_ready")


def test_a_first_order_makes_the_customer_of_a_service(gateway: httpx.Client, headers: dict[str, str]) -> None:
    wanted = {**plain(), "customer_id": "new one"}
    answer = gateway.post("/video/generate", json=wanted, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "insufficient_credits")


def test_the_own_id_of_a_customer_may_stand_in_the_request(gateway: httpx.Client, make_customer: Any) -> None:
    customer = make_customer(PRICE)
    wanted = {**plain(), "customer_id": str(customer.id)}
    assert gateway.post("/video/generate", json=wanted, headers=customer.headers).status_code == 202


def test_unknown_fields_have_no_effect_and_unknown_settings_are_named(
    gateway: httpx.Client, make_customer: Any
) -> None:
    wanted = plain(aspect_ratio="1:1", motion_blur=True, generate_audio=None)
    wanted["settings"]["text"] = {"model": "another"}
    answer = gateway.post("/video/generate", json={**wanted, "session_id": "x"}, headers=make_customer(PRICE).headers)

    assert answer.status_code == 202
    warning = answer.headers["reelworks-warning"]
    assert warning == "aspect_ratio=1:1 not possible, 16:9 taken; motion_blur ignored"
    assert answer.json()["data"]["settings"]["aspect_ratio"] == "16:9"


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("veo", "gemini", "veo-3-fast"),
        ("veo-3.1", "gemini", "veo-3"),
        ("veo-3.1-fast", "gemini", "veo-3-fast"),
        ("gemini", "gemini", "veo-3-fast"),
        ("kling", "klingai", "kling-2.6-text-to-video"),
        ("kling-v1", "klingai", "kling-2.6-text-to-video"),
    ],
)
def test_a_name_chooses_the_provider(
    gateway: httpx.Client, make_customer: Any, name: str, provider: str, model: str
) -> None:
    answer = gateway.post("/video/generate", json=plain(model=name), headers=make_customer(1000).headers)

    data = answer.json()["data"]
    assert (data["provider"], data["model"], data["served_by"]["model"]) == (provider, name, model)


def test_a_picture_may_stand_in_the_request(gateway: httpx.Client, database: Database, make_customer: Any) -> None:
    content = base64.b64encode(png(8, 8)).decode()
    wanted = {**plain(), "input_image_url": f"data:image/png;base64,{content}"}

    assert gateway.post("/video/generate", json=wanted, headers=make_customer(PRICE).headers).status_code == 202
    with database.transaction() as session:
        row = session.exec(select(Generation)).one()
    (url,) = Order.model_validate(row.order).inputs.image_urls
    assert url.startswith("upload:")


def test_the_same_key_orders_once(gateway: httpx.Client, make_customer: Any) -> None:
    headers = make_customer(1000).headers | {"Idempotency-Key": "1"}
    for wanted in (plain(), plain(number_of_videos=2)):
        headers["Idempotency-Key"] += "1"
        one, other = (gateway.post("/video/generate", json=wanted, headers=headers) for _ in range(2))
        assert one.json() == other.json()
        assert ("idempotency-replayed" in one.headers, other.headers["idempotency-replayed"]) == (False, "true")


def test_an_image_is_ordered_in_the_same_way(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    helper: ThreadPoolExecutor,
) -> None:
    customer = make_customer(100)
    wanted = {"prompt": "a boat", "settings": {"image": {"model": "nano-banana", "aspect_ratio": "landscape"}}}
    sent = helper.submit(gateway.post, "/image/generate", json=wanted, headers=customer.headers)
    (generation_id,) = accepted(database)
    complete(database, settings, objects, generation_id, BODY)

    data = sent.result().json()["data"]
    assert (data["provider"], data["settings"]["aspect_ratio"]) == ("gemini", "16:9")
    assert gateway.get(data["image_url"]).content == BODY
    assert gateway.get(f"/image/{generation_id}", headers=customer.headers).json()["data"] == data
    assert gateway.get(f"/video/{generation_id}", headers=customer.headers).status_code == 404
