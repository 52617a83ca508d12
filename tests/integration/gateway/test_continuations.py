"""`preview: true` and `POST /v1/generations/{id}/continue` as a customer uses them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.media_files.images import png
from tests.support import NewCustomer

PATH = "/v1/generations"
REQUEST: dict[str, object] = {"model": "kling-2.6-text-to-video", "prompt": "a paper boat", "preview": True}
VIDEO = "kling-2.6-image-to-video"
PICTURE_PRICE, VIDEO_PRICE = 4, 70


@pytest.fixture
def order(gateway: httpx.Client, customer: NewCustomer) -> Callable[..., Any]:
    """Orders a preview."""

    def send(**fields: object) -> Any:
        answer = gateway.post(PATH, json=REQUEST | fields, headers=customer.headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    return send


@pytest.fixture
def made(order: Callable[..., Any], database: Database, settings: Settings, objects: ObjectStore) -> Callable[..., Any]:
    """Orders a preview that is made."""

    def make(**fields: object) -> Any:
        preview = order(**fields)
        complete(database, settings, objects, UUID(preview["id"]), png(64, 48))
        return preview

    return make


@pytest.fixture
def proceed(gateway: httpx.Client, customer: NewCustomer) -> Callable[..., httpx.Response]:
    """Continues a preview."""
    return lambda preview, **headers: gateway.post(
        f"{PATH}/{preview['id']}/continue", headers=customer.headers | headers
    )


@pytest.fixture
def read(gateway: httpx.Client, customer: NewCustomer) -> Callable[[str], Any]:
    """Reads a path of the API."""
    return lambda path: gateway.get(path, headers=customer.headers).json()


def test_preview_is_a_cheap_image_that_names_its_video(order: Callable[..., Any], read: Callable[[str], Any]) -> None:
    preview = order(duration_seconds=10, aspect_ratio="9:16", reference="shot-7")

    assert (preview["kind"], preview["model"], preview["requested_model"]) == ("image", "nano-banana", REQUEST["model"])
    assert preview["credits"] == {"price": PICTURE_PRICE, "held": PICTURE_PRICE, "captured": 0, "released": 0}
    planned = preview["preview_of"]
    assert (planned["model"], planned["text_to_video"]) == (VIDEO, REQUEST["model"])
    assert planned["credits"] == 2 * VIDEO_PRICE
    assert (planned["inputs"]["duration_seconds"], planned["inputs"]["generate_audio"]) == (10, False)
    assert (preview["continued_by"], preview["continuation_of"]) == (None, None)
    assert read(f"{PATH}/{preview['id']}") == preview


def test_continue_makes_the_video_from_the_picture(
    made: Callable[..., Any], proceed: Callable[..., httpx.Response], read: Callable[[str], Any]
) -> None:
    preview = made(style="noir", aspect_ratio="9:16", reference="shot-7", metadata={"canvas": "1"}, deadline_seconds=90)

    answer = proceed(preview)

    video = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"{PATH}/{video['id']}")
    assert (video["kind"], video["model"], video["requested_model"]) == ("video", VIDEO, REQUEST["model"])
    assert video["inputs"]["image_urls"] == [f"generation:{preview['id']}"]
    assert video["inputs"] | {"image_urls": []} == preview["preview_of"]["inputs"]
    assert video["inputs"]["prompt"].count("Style: ") == 1
    assert {name: video[name] for name in ("reference", "metadata")} == {
        "reference": "shot-7", "metadata": {"canvas": "1"},
    }  # fmt: skip
    assert (video["credits"]["held"], video["preview_of"]) == (VIDEO_PRICE, None)
    assert (video["continuation_of"], video["continued_by"]) == (preview["id"], None)
    assert read(f"{PATH}/{preview['id']}")["continued_by"] == video["id"]
    assert read(f"{PATH}/{video['id']}") == video
    listed = {each["id"]: each for each in read(PATH)["data"]}
    assert (listed[preview["id"]]["continued_by"], listed[video["id"]]["continuation_of"]) == (
        video["id"], preview["id"],
    )  # fmt: skip


def test_second_call_returns_the_same_video_whatever_its_key(
    made: Callable[..., Any],
    proceed: Callable[..., httpx.Response],
    read: Callable[[str], Any],
    database: Database,
    settings: Settings,
) -> None:
    preview = made()
    first = proceed(preview, **{"Idempotency-Key": "one"}).json()
    again = [
        proceed(preview),
        proceed(preview, **{"Idempotency-Key": "one"}),
        proceed(preview, **{"Idempotency-Key": "2"}),
    ]

    assert [each.json() for each in again] == [first] * 3
    assert {each.headers["idempotency-replayed"] for each in again} == {"true"}
    assert read("/v1/credits")["held"] == VIDEO_PRICE

    # A failed video is retried: `continue` never makes another one.
    fail(database, settings, UUID(first["id"]), ErrorCode.TIMEOUT, "not finished before its deadline")
    after = proceed(preview)
    assert (after.json()["id"], after.json()["status"]) == (first["id"], "failed")


def test_calls_at_the_same_time_make_one_video(
    made: Callable[..., Any], proceed: Callable[..., httpx.Response], read: Callable[[str], Any]
) -> None:
    preview = made()
    keys = [{"Idempotency-Key": f"key-{number}"} if number % 2 else {} for number in range(8)]
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda headers: proceed(preview, **headers), keys))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert read("/v1/credits")["held"] == VIDEO_PRICE


def test_key_of_another_request_is_refused(made: Callable[..., Any], proceed: Callable[..., httpx.Response]) -> None:
    one, other = made(), made()
    assert proceed(one, **{"Idempotency-Key": "mine"}).status_code == 202
    refused = proceed(other, **{"Idempotency-Key": "mine"})
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch")


def test_unfinished_preview_and_one_without_a_picture_are_refused(
    order: Callable[..., Any],
    made: Callable[..., Any],
    proceed: Callable[..., httpx.Response],
    gateway: httpx.Client,
    customer: NewCustomer,
    read: Callable[[str], Any],
    database: Database,
    settings: Settings,
) -> None:
    unfinished, failed, cancelled, expired = order(), order(), order(), made()
    fail(database, settings, UUID(failed["id"]), ErrorCode.PROVIDER_REJECTED, "no")
    gateway.post(f"{PATH}/{cancelled['id']}/cancel", headers=customer.headers)
    with database.transaction() as session:
        session.execute(text("UPDATE assets SET expired_at = now() WHERE generation_id = :id"), {"id": expired["id"]})
    held = read("/v1/credits")["held"]

    told = {answer["code"]: answer["detail"] for answer in [proceed(unfinished).json()]}
    assert told == {"not_finished": "the preview is queued: continue it once it is completed"}
    for preview, reason in ((failed, "has failed"), (cancelled, "was cancelled"), (expired, "picture of this preview")):
        answer = proceed(preview)
        assert (answer.status_code, answer.json()["code"]) == (422, "not_continuable")
        assert reason in answer.json()["detail"]
        assert "retry it" in answer.json()["detail"]
    assert read("/v1/credits")["held"] == held


def test_only_a_preview_of_ones_own_can_be_continued(
    gateway: httpx.Client,
    customer: NewCustomer,
    made: Callable[..., Any],
    proceed: Callable[..., httpx.Response],
    make_customer: Callable[[int], NewCustomer],
) -> None:
    preview, stranger = made(), make_customer(100)
    answer = gateway.post(f"{PATH}/{preview['id']}/continue", headers=stranger.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    image = gateway.post(PATH, json={"model": "nano-banana", "prompt": "fog"}, headers=customer.headers).json()
    refused = proceed(image)
    assert (refused.status_code, refused.json()["code"]) == (422, "not_continuable")
    assert "`preview: true`" in refused.json()["detail"]


def test_video_that_was_deleted_is_not_made_again_by_continue(
    gateway: httpx.Client,
    customer: NewCustomer,
    made: Callable[..., Any],
    proceed: Callable[..., httpx.Response],
    database: Database,
    settings: Settings,
) -> None:
    preview, key = made(), {"Idempotency-Key": "first"}
    video = proceed(preview, **key).json()
    fail(database, settings, UUID(video["id"]), ErrorCode.TIMEOUT, "too late")
    assert gateway.delete(f"{PATH}/{video['id']}", headers=customer.headers).status_code == 204
    for answer in (proceed(preview), proceed(preview, **key), proceed(preview, **{"Idempotency-Key": "other"})):
        assert (answer.status_code, answer.json()["code"]) == (410, "generation_deleted")
        assert f"generation:{preview['id']}" in answer.json()["detail"]
        assert "idempotency key" not in answer.json()["detail"]
    # With the preview, all texts go: those of its video, too.
    assert gateway.delete(f"{PATH}/{preview['id']}", headers=customer.headers).status_code == 204
    assert proceed(preview).status_code == 404
    with database.transaction() as session:
        orders = session.execute(text('SELECT "order"::text FROM generations')).scalars().all()
    assert not [order for order in orders if "paper boat" in order]


def test_too_few_credits_are_told_and_the_preview_stays(
    gateway: httpx.Client,
    make_customer: Callable[[int], NewCustomer],
    database: Database,
    settings: Settings,
    objects: ObjectStore,
) -> None:
    poor = make_customer(PICTURE_PRICE)
    preview = gateway.post(PATH, json=REQUEST, headers=poor.headers).json()
    complete(database, settings, objects, UUID(preview["id"]), png(64, 48))
    answer = gateway.post(f"{PATH}/{preview['id']}/continue", headers=poor.headers)
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert gateway.get(f"{PATH}/{preview['id']}", headers=poor.headers).json()["continued_by"] is None


def test_retry_of_a_preview_is_another_preview_of_the_same_video(
    gateway: httpx.Client, customer: NewCustomer, made: Callable[..., Any], proceed: Callable[..., httpx.Response]
) -> None:
    preview = made(style="noir", duration_seconds=5)
    again = gateway.post(f"{PATH}/{preview['id']}/retry", headers=customer.headers).json()
    same = ("kind", "model", "requested_model", "inputs", "preview_of")
    assert {name: again[name] for name in same} == {name: preview[name] for name in same}
    assert (again["retry_of"], again["continued_by"]) == (preview["id"], None)


def test_several_previews_are_a_batch_of_which_each_can_be_continued(
    gateway: httpx.Client,
    customer: NewCustomer,
    proceed: Callable[..., httpx.Response],
    database: Database,
    settings: Settings,
    objects: ObjectStore,
) -> None:
    batch = gateway.post(PATH, json=REQUEST | {"number_of_outputs": 3}, headers=customer.headers).json()
    previews = batch["generations"]["data"]
    assert (batch["credits"]["held"], {one["preview_of"]["model"] for one in previews}) == (3 * PICTURE_PRICE, {VIDEO})
    complete(database, settings, objects, UUID(previews[1]["id"]), png(64, 48))
    video = proceed(previews[1]).json()
    assert (video["continuation_of"], video["batch_id"]) == (previews[1]["id"], None)


def test_estimate_tells_the_price_of_both_steps(gateway: httpx.Client, customer: NewCustomer) -> None:
    body = REQUEST | {"duration_seconds": 10, "number_of_outputs": 2}
    told = gateway.post("/v1/estimate", json=body, headers=customer.headers).json()
    assert (told["model"], told["credits"]) == ("nano-banana", 2 * PICTURE_PRICE)
    assert [one["model"] for one in told["models"]] == ["nano-banana"]
    video = told["preview_of"]
    assert (video["model"], video["credits"]) == (VIDEO, 2 * 2 * VIDEO_PRICE)
    assert set(video) == {"model", "credits", "usual_seconds", "expected_wait_seconds"}
    plain = gateway.post("/v1/estimate", json=body | {"preview": False}, headers=customer.headers).json()
    assert (plain["preview_of"], plain["credits"]) == (None, video["credits"])


def test_model_without_a_sibling_is_refused_by_orders_and_estimates(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    for path in (PATH, "/v1/estimate"):
        answer = gateway.post(path, json=REQUEST | {"model": "gemini-omni-video"}, headers=customer.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        (problem,) = answer.json()["errors"]
        assert problem["field"] == "preview"
        assert "needs an image-to-video sibling" in problem["message"]
        assert "kling-2.6-text-to-video" in problem["allowed"]["models"]


def test_models_say_who_makes_the_video(read: Callable[[str], Any]) -> None:
    siblings = {model["name"]: model["image_to_video"] for model in read("/v1/models")["data"]}
    assert siblings["kling-2.6-text-to-video"] == VIDEO
    assert siblings["veo-3"] == "veo-3"
    assert siblings["gemini-omni-video"] is siblings["nano-banana"] is None
