import io
from datetime import UTC, datetime, timedelta

import av
import httpx
import pytest
from pydantic import JsonValue
from sqlalchemy import text

from storage import ledger
from tests.e2e.conftest import System
from tests.media_files.images import png
from tests.support import eventually

VIDEO: dict[str, JsonValue] = {"model": "kling-2.6-text-to-video", "duration_seconds": 5, "aspect_ratio": "9:16"}


def test_an_image_and_a_video_made_from_it_come_into_being(system: System) -> None:
    customer = system.customer()
    word = system.behave()
    image = system.make(customer, word, aspect_ratio="16:9")
    assert (image.status, image.progress, image.error) == ("completed", 100, None)

    motion = system.behave()
    video = system.make(
        customer, motion, model="kling-2.6-image-to-video", image_urls=[f"generation:{image.id}"], duration_seconds=5
    )
    assert video.status == "completed"
    with av.open(io.BytesIO(system.content(customer, video.id)), mode="r") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 1280, 720)
        assert len(list(container.decode(stream))) == 120
    paid = image.credits.captured + video.credits.captured
    assert system.balance(customer) == (1000 - paid, 0)


def test_a_video_is_made_from_its_preview(system: System) -> None:
    customer = system.customer()
    word = system.behave(delivered={"width": 360, "height": 640, "duration_seconds": 1})
    preview = system.make(customer, word, **VIDEO, preview=True)
    assert (preview.kind, preview.status) == ("image", "completed")
    assert system.balance(customer) == (1000 - preview.credits.captured, 0)

    path = f"/v1/generations/{preview.id}/continue"
    first, again = (system.http.post(path, headers=customer.headers).raise_for_status().json() for _ in range(2))
    video = system.finished(customer, first["id"])

    assert (again["id"], again["continuation_of"]) == (video.id, preview.id)
    assert (video.kind, video.status, video.inputs["image_urls"]) == (
        "video", "completed", [f"generation:{preview.id}"],
    )  # fmt: skip
    picture, clip = (system.content(customer, one.id) for one in (preview, video))
    assert picture.startswith(b"\x89PNG")
    with av.open(io.BytesIO(clip), mode="r") as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (360, 640)
    assert [task.model for task in system.sandbox.tasks(word)] == [
        "black-forest-labs/flux-schnell", "kling-2.6/image-to-video",
    ]  # fmt: skip
    assert system.balance(customer) == (1000 - preview.credits.captured - video.credits.captured, 0)


def test_a_video_is_made_from_a_picture_that_the_customer_gave(system: System) -> None:
    customer, word = system.customer(), system.behave(delivered={"width": 64, "height": 64, "duration_seconds": 1})
    given = system.http.post("/v1/uploads", content=png(640, 360), headers=customer.headers)
    assert given.status_code == httpx.codes.CREATED
    url = given.json()["url"]
    video = system.make(customer, word, model="kling-2.6-image-to-video", image_urls=[url], duration_seconds=5)
    assert (video.status, video.inputs["image_urls"]) == ("completed", [url])
    assert system.balance(customer) == (1000 - video.credits.captured, 0)


def test_with_callbacks_the_vendor_is_called_twice(system: System) -> None:
    word = system.behave()
    assert system.make(system.customer(), word).status == "completed"
    assert system.callbacks(word, 1) == [200]
    assert system.task(word).polls == 1


@pytest.mark.slow
def test_without_callbacks_the_vendor_is_polled(polling_system: System) -> None:
    word = polling_system.behave(seconds=4)
    assert polling_system.make(polling_system.customer(), word).status == "completed"
    task = polling_system.task(word)
    assert task.call_back_url is None
    assert task.callbacks == []
    assert task.polls >= 2


@pytest.mark.slow
def test_scheduled_order_starts_at_its_time(system: System) -> None:
    word, start = system.behave(), datetime.now(UTC) + timedelta(seconds=3)
    seen = system.make(system.customer(), word, not_before=start.isoformat(), start_within=60)
    assert (seen.status, seen.not_before) == ("completed", start)
    assert seen.started_at
    assert seen.started_at >= start


@pytest.mark.parametrize("create_reply", ["normal", "drop"])
def test_a_vendor_that_calls_back_at_every_change_of_state_is_paid_once(system: System, create_reply: str) -> None:
    word = system.behave(seconds=1, create_reply=create_reply, delivered={"width": 64, "height": 64})
    customer = system.customer()
    seen = system.make(customer, word, model="kling-3.0-text-to-video", duration_seconds=3)
    assert seen.status == "completed"
    assert system.balance(customer) == (1000 - seen.credits.captured, 0)
    eventually(lambda: [callback.status for callback in system.task(word).callbacks], lambda told: told == [200, 200])
    assert system.sandbox.requests(word).accepted == 1


def test_a_vendor_that_signs_the_body_of_its_one_callback_is_polled_once(system: System) -> None:
    word = system.behave()
    customer = system.customer()
    seen = system.make(customer, word, model="flux-schnell")
    assert (seen.status, seen.credits.captured) == ("completed", 1)
    assert (system.callbacks(word, 1), system.task(word).polls) == ([200], 1)


def test_a_callback_that_comes_before_the_reply_is_not_lost(system: System) -> None:
    word = system.behave(callback="early")
    assert system.make(system.customer(), word).status == "completed"
    assert system.callbacks(word, 1) == [200]
    task = system.task(word)
    assert task.callbacks[0].at >= task.created_at


def test_a_doubled_callback_charges_once(system: System) -> None:
    customer = system.customer()
    word = system.behave(callback="doubled")
    seen = system.make(customer, word)
    eventually(lambda: len(system.task(word).callbacks), lambda count: count == 3)
    assert {callback.status for callback in system.task(word).callbacks} == {200}
    assert system.balance(customer) == (1000 - seen.credits.captured, 0)


def test_a_forged_callback_is_refused_and_changes_nothing(system: System) -> None:
    customer = system.customer()
    word = system.behave(callback="forged", seconds=1.5)
    seen = system.make(customer, word)
    assert seen.status == "completed"
    system.callbacks(word, 2)
    by_kind = {callback.kind: callback.status for callback in system.task(word).callbacks}
    assert by_kind == {"forged": 401, "normal": 200}


def test_a_signed_callback_with_another_body_is_only_a_hint(system: System) -> None:
    word = system.behave(seconds=3600, callback="lost")
    customer = system.customer()
    generation_id = system.submit(customer, word).json()["id"]
    eventually(lambda: system.see(customer, generation_id).stage, lambda stage: stage == "generating")
    task = system.task(word)
    claim: dict[str, JsonValue] = {
        "code": 501,
        "msg": "failed",
        "data": {"taskId": task.task_id, "state": "fail", "failCode": "500"},
    }
    assert system.sandbox.send_callback(task.task_id, body=claim).status == 200
    eventually(lambda: system.task(word).polls, lambda polls: polls == 1)
    assert system.see(customer, generation_id).status == "processing", "the vendor itself was asked"
    system.sandbox.finish(word)
    eventually(lambda: system.task(word).completed_at, lambda at: at is not None)
    assert system.sandbox.send_callback(task.task_id).status == 200
    assert system.finished(customer, generation_id).status == "completed"


def test_a_failed_generation_costs_nothing(system: System) -> None:
    customer = system.customer()
    seen = system.make(customer, system.behave(outcome="fail", fail_code="500"))
    assert seen.error is not None
    assert (seen.status, seen.error["code"]) == ("failed", "provider_failed")
    assert (seen.credits.held, seen.credits.captured, seen.credits.released) == (0, 0, seen.credits.price)
    assert system.balance(customer) == (1000, 0)


def test_rejected_content_fails_at_once_and_costs_nothing(system: System) -> None:
    customer = system.customer()
    word = system.behave(outcome="fail", fail_code="422", fail_msg="The prompt was flagged")
    seen = system.make(customer, word)
    assert seen.error is not None
    assert (seen.status, seen.error["code"]) == ("failed", "provider_rejected")
    assert system.balance(customer) == (1000, 0)
    assert system.sandbox.requests(word).accepted == 1


def test_too_few_credits_reach_no_vendor(system: System) -> None:
    customer = system.customer(amount=1)
    word = system.behave()
    answer = system.submit(customer, word)
    assert answer.status_code == httpx.codes.PAYMENT_REQUIRED
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "insufficient_credits"
    assert system.balance(customer) == (1, 0)
    assert system.sandbox.tasks(word) == []


def test_at_its_deadline_a_generation_fails_and_a_late_result_is_not_charged(system: System) -> None:
    customer = system.customer()
    word = system.behave(seconds=3600)
    generation_id = system.submit(customer, word).json()["id"]
    eventually(lambda: system.see(customer, generation_id).stage, lambda stage: stage == "generating")
    with system.database.transaction() as session:
        session.execute(
            text("UPDATE generations SET deadline_at = now(), wake_at = now() WHERE id = CAST(:id AS uuid)"),
            {"id": generation_id},
        )
    seen = system.finished(customer, generation_id)
    assert seen.error is not None
    assert (seen.status, seen.error["code"]) == ("failed", "timeout")
    assert system.balance(customer) == (1000, 0)
    system.sandbox.finish(word)
    assert system.callbacks(word, 1) == [200]
    assert system.see(customer, seen.id).status == "failed"
    assert system.balance(customer) == (1000, 0)


def test_a_cut_download_is_resumed(system: System) -> None:
    customer = system.customer()
    word = system.behave(cut_after_bytes=200_000, cut_times=2)
    seen = system.make(customer, word, **VIDEO)
    assert seen.status == "completed"
    assert system.task(word).downloads == 3
    (result,) = [asset for asset in seen.assets if asset["role"] == "result"]
    assert len(system.content(customer, seen.id)) == result["size_bytes"]


def test_a_service_with_nothing_but_celery_enqueues_over_redis(system: System) -> None:
    customer = system.customer()
    word = system.behave()
    request: dict[str, JsonValue] = {"model": "nano-banana", "prompt": f"a boat {word}"}
    _, answer = system.enqueue(customer_id=str(customer.id), request=request)
    assert system.finished(customer, str(answer["id"])).status == "completed"
    _, refused = system.enqueue(request=request)
    problem = refused["error"]
    assert isinstance(problem, dict)
    words = "is missing: the customer to charge; every client of this Redis can name any customer"
    assert (problem["code"], problem["errors"]) == (
        "invalid_request",
        [{"field": "customer_id", "message": words}],
    )


def test_a_customer_sees_and_downloads_only_what_is_theirs(system: System) -> None:
    mine = system.make(system.customer(), system.behave())
    stranger = system.customer()
    for path in (f"/v1/generations/{mine.id}", f"/v1/generations/{mine.id}/content"):
        assert system.http.get(path, headers=stranger.headers).status_code == httpx.codes.NOT_FOUND
    with system.database.transaction() as session:
        assert ledger.balance(session, stranger.id).available == 1000


@pytest.mark.parametrize("model", ["google/nano-banana", "nano-banana"])
def test_a_model_answers_to_the_vendors_name_too(system: System, model: str) -> None:
    assert system.make(system.customer(), system.behave(), model=model).status == "completed"
