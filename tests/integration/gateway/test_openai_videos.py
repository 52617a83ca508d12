"""`/openai/v1/videos`, as OpenAI's clients and other software send their requests."""

import base64
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest

from schemas.enums import ErrorCode, Stage
from schemas.settings import Settings
from schemas.tables import Generation
from storage import details, transitions
from storage.changes import Changes
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from tests.integration.gateway.finishing import claim, complete, fail
from tests.integration.gateway.videos import PATH, PICTURE, PROMPT, a_file, a_video, complete_as_video, form, refused
from tests.support import NewCustomer, a_generation, new_customer


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    """A customer with many credits."""
    return new_customer(database, 100_000)


def create(
    gateway: httpx.Client, customer: NewCustomer, headers: Mapping[str, str] = {}, **sent: Any
) -> httpx.Response:
    return gateway.post(PATH, headers={**customer.headers, **headers}, **sent)


def created(gateway: httpx.Client, customer: NewCustomer, **sent: Any) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The answer, and the inputs of the generation."""
    answer = create(gateway, customer, **sent)
    assert answer.status_code == 200, answer.text
    video = answer.json()
    generation = gateway.get(f"/v1/generations/{UUID(video['id'].removeprefix('video_'))}", headers=customer.headers)
    return video, generation.json()["inputs"]


def test_a_video_is_ordered_by_the_one_name_that_some_clients_know(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    answer = create(gateway, customer, files=form(model="sora-2", prompt="a paper boat", seconds="4", size="720x1280"))

    assert (answer.status_code, answer.headers["openai-poll-after-ms"]) == (200, "2500")
    video = answer.json()
    assert video.pop("created_at") > 1_700_000_000
    assert video == {
        "id": video["id"],
        "object": "video",
        "model": "kling-3.0-video",
        "status": "queued",
        "progress": 0,
        "completed_at": None,
        "expires_at": None,
        "prompt": "a paper boat",
        "seconds": "4",
        "size": "720x1280",
        "remixed_from_video_id": None,
        "error": None,
        "metadata": {},
        "credits": 56,
    }
    read = gateway.get(f"{PATH}/{video['id']}", headers=customer.headers)
    assert (read.status_code, read.headers["openai-poll-after-ms"]) == (200, "2500")
    assert read.json().items() >= video.items()
    plain = str(UUID(video["id"].removeprefix("video_")))
    assert gateway.get(f"{PATH}/{plain}", headers=customer.headers).json() == read.json()


def test_a_body_is_a_form_or_json_with_the_same_fields(gateway: httpx.Client, customer: NewCustomer) -> None:
    fields = {**PROMPT, "model": "kling-3.0-video", "seconds": "6", "size": "1280x720", "metadata": {"order": "7"}}
    parts = form(prompt="a paper boat", model="kling-3.0-video", seconds="6", size="1280x720") | {
        "metadata[order]": (None, "7")
    }

    by_json, by_form = created(gateway, customer, json=fields), created(gateway, customer, files=parts)

    assert by_json[1] == by_form[1]
    assert by_json[0]["metadata"] == by_form[0]["metadata"] == {"order": "7"}
    assert by_json[0]["id"] != by_form[0]["id"]


def test_a_picture_is_a_file_an_upload_a_url_or_data(gateway: httpx.Client, customer: NewCustomer) -> None:
    upload = gateway.post("/v1/uploads", content=PICTURE, headers=customer.headers).json()
    data = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    url = "https://example.com/a.png"

    bodies: list[tuple[dict[str, Any], str]] = [
        ({"files": form(**PROMPT) | {"input_reference": a_file()}}, upload["url"]),
        ({"files": form(**PROMPT) | {"input_reference[file_id]": (None, upload["id"])}}, upload["url"]),
        ({"files": form(**PROMPT) | {"input_reference[image_url]": (None, url)}}, url),
        ({"files": form(**PROMPT) | {"input_reference": (None, f'{{"image_url": "{url}"}}')}}, url),
        ({"json": PROMPT | {"input_reference": upload["url"]}}, upload["url"]),
        ({"json": PROMPT | {"input_reference": {"image_url": data}}}, upload["url"]),
        ({"json": PROMPT | {"frame_images": [{"type": "image_url", "image_url": {"url": url}}]}}, url),
        ({"files": form(**PROMPT) | {"input_references[]": a_file()}}, upload["url"]),
    ]
    for sent, expected in bodies:
        assert created(gateway, customer, **sent)[1]["image_urls"] == [expected], sent


def test_the_fields_of_other_gateways_are_taken(gateway: httpx.Client, customer: NewCustomer) -> None:
    fields = {"duration": 10, "resolution": "1080p", "aspect_ratio": "9:16", "generate_audio": True}
    _, inputs = created(gateway, customer, json=PROMPT | fields)
    assert inputs.items() >= {
        "duration_seconds": 10, "resolution": "1080p", "aspect_ratio": "9:16", "generate_audio": True
    }.items()  # fmt: skip


def test_a_setting_that_the_model_lacks_is_left_out_and_named(gateway: httpx.Client, customer: NewCustomer) -> None:
    sent = {**PROMPT, "seed": 7, "negative_prompt": "rain", "quality": "high", "size": "auto"}
    answer = create(gateway, customer, json=sent)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Reelworks-Warning"] == "seed ignored; negative_prompt ignored; quality ignored"


WRONG: list[tuple[dict[str, Any], tuple[int, str, str | None, str]]] = [
    ({"json": {}}, (400, "invalid_request_error", "prompt", "invalid_request")),
    ({"json": PROMPT | {"seconds": "99"}}, (400, "invalid_request_error", "seconds", "invalid_request")),
    ({"json": PROMPT | {"duration": "99"}}, (400, "invalid_request_error", "duration", "invalid_request")),
    ({"json": PROMPT | {"size": "720x900"}}, (400, "invalid_request_error", "size", "invalid_request")),
    ({"json": PROMPT | {"size": "big"}}, (400, "invalid_request_error", "size", "invalid_request")),
    ({"json": PROMPT | {"steps": 20}}, (400, "invalid_request_error", "steps", "invalid_request")),
    ({"files": form(prompt="a", **{"a[b": "1"})}, (400, "invalid_request_error", "a[b", "invalid_request")),
    ({"json": PROMPT | {"model": "no-such-model"}}, (400, "invalid_request_error", "model", "invalid_request")),
    ({"json": PROMPT | {"model": "sora-2-text-to-video"}}, (410, "invalid_request_error", "model", "model_retired")),
    ({"json": PROMPT | {"input_reference": {"file_id": "x"}}},
     (400, "invalid_request_error", "input_reference", "invalid_request")),
    ({"files": form(**PROMPT) | {"input_reference": a_file(content=b"no picture")}},
     (400, "invalid_request_error", "input_reference", "invalid_request")),
    ({"files": form(**PROMPT) | {"seconds": a_file()}}, (400, "invalid_request_error", "seconds", "invalid_request")),
    ({"json": [1]}, (400, "invalid_request_error", "body", "invalid_request")),
    ({"content": b"{", "headers": {"Content-Type": "application/json"}},
     (400, "invalid_request_error", None, "bad_request")),
    ({"content": b"x", "headers": {"Content-Type": "text/plain"}},
     (415, "invalid_request_error", None, "unsupported_media_type")),
    ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=a"}},
     (400, "invalid_request_error", None, "bad_request")),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "told"), WRONG, ids=lambda value: str(value)[:50])
def test_a_wrong_request_names_the_field(
    gateway: httpx.Client, customer: NewCustomer, sent: dict[str, Any], told: tuple[int, str, str | None, str]
) -> None:
    assert refused(create(gateway, customer, **sent)) == told


def test_an_unknown_field_names_the_field_that_says_the_same(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = create(gateway, customer, json=PROMPT | {"image": "https://example.com/a.png"})
    expected = "image: there is no field `image`; `input_reference` takes the first picture"
    assert answer.json()["error"]["message"] == expected


def test_an_order_without_credits_is_a_402_that_clients_do_not_repeat(
    gateway: httpx.Client, database: Database
) -> None:
    answer = create(gateway, new_customer(database, 1), json=PROMPT)
    assert refused(answer) == (402, "insufficient_quota", None, "insufficient_credits")
    wrong_key = gateway.get(PATH, headers={"Authorization": "Bearer rw_wrong"})
    assert refused(wrong_key) == (401, "authentication_error", None, "unauthenticated")
    assert refused(gateway.get("/openai/v1/nothing")) == (404, "invalid_request_error", None, "not_found")


def test_a_retry_of_the_client_returns_the_first_video(gateway: httpx.Client, customer: NewCustomer) -> None:
    def send(count: int, seconds: str = "4") -> httpx.Response:
        parts = form(prompt="a boat", seconds=seconds) | {"input_reference": a_file()}
        return create(gateway, customer, {"x-stainless-retry-count": str(count)}, files=parts)

    first, again, other = send(0), send(1), send(1, seconds="5")

    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (first.json()["id"], "true")
    assert other.json()["id"] != first.json()["id"]
    assert send(0).json()["id"] != first.json()["id"]


def moved(database: Database, settings: Settings, generation_id: UUID, *stages: Stage) -> None:
    held = claim(database, settings, generation_id)
    with database.transaction() as session:
        for stage in stages:
            held = transitions.move(
                of(session), held, stage, wake_in=60, keeps_lease=True, changes=Changes(remote_id="task-1")
            )


def test_each_end_of_a_video_is_one_that_clients_know(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    running, done, failed, stopped, expired = (a_video(customer, database, settings) for _ in range(5))
    moved(database, settings, running, Stage.SUBMITTING)
    for each in (done, expired):
        complete(database, settings, objects, each, b"a film")
    fail(database, settings, failed, ErrorCode.CONTENT_REJECTED, "refused by the provider")
    gateway.post(f"/v1/generations/{stopped}/cancel", headers=customer.headers)
    with database.transaction() as session:
        (asset,) = details.of(session, session.get_one(Generation, expired)).assets
        asset.expired_at = asset.created_at

    def read(generation_id: UUID) -> tuple[httpx.Response, Any]:
        answer = gateway.get(f"{PATH}/{generation_id}", headers=customer.headers)
        return answer, answer.json()

    answer, video = read(running)
    assert (video["status"], video["error"], "openai-poll-after-ms" in answer.headers) == ("in_progress", None, True)
    answer, video = read(done)
    assert (video["status"], video["error"], video["progress"]) == ("completed", None, 100)
    assert (video["size"], "openai-poll-after-ms" in answer.headers) == ("1024x768", False)
    assert video["completed_at"] >= video["created_at"]
    for generation_id, code in ((failed, "content_rejected"), (stopped, "cancelled"), (expired, "expired")):
        _, video = read(generation_id)
        assert (video["status"], video["error"]["code"]) == ("failed", code)
        assert video["error"]["message"]


def test_lists_go_both_ways_page_by_page(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    empty = gateway.get(PATH, headers=customer.headers).json()
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    videos = [f"video_{a_video(customer, database, settings).hex}" for _ in range(5)]
    a_generation(database, settings, customer)

    def pages(order: str) -> list[list[str]]:
        found: list[list[str]] = []
        query = {"limit": "2", "order": order}
        while True:
            page = gateway.get(PATH, params=query, headers=customer.headers).json()
            ids = [video["id"] for video in page["data"]]
            assert (page["first_id"], page["last_id"]) == (ids[0], ids[-1])
            found.append(ids)
            if not page["has_more"]:
                return found
            query["after"] = page["last_id"]

    assert pages("asc") == [videos[:2], videos[2:4], videos[4:]]
    assert pages("desc") == [videos[:2:-1], videos[2:0:-1], videos[:1]]
    other = gateway.get(PATH, params={"after": "video_1"}, headers=customer.headers)
    assert refused(other) == (400, "invalid_request_error", "after", "invalid_request")


def test_a_page_goes_on_after_a_video_that_was_deleted(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    first, last = (f"video_{a_video(customer, database, settings).hex}" for _ in range(2))
    assert gateway.delete(f"{PATH}/{last}", headers=customer.headers).status_code == 200
    page = gateway.get(PATH, params={"after": last}, headers=customer.headers).json()
    assert [video["id"] for video in page["data"]] == [first]


def test_a_video_is_deleted_and_an_unfinished_one_is_cancelled_first(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    queued, done, sent = (a_video(customer, database, settings) for _ in range(3))
    complete(database, settings, objects, done, b"a film")
    moved(database, settings, sent, Stage.SUBMITTING)

    for generation_id in (queued, done):
        video_id = f"video_{generation_id.hex}"
        # The official client sends a content type and no body.
        headers = {**customer.headers, "Content-Type": "application/json"}
        answer = gateway.delete(f"{PATH}/{video_id}", headers=headers)
        assert answer.json() == {"id": video_id, "object": "video.deleted", "deleted": True}
        gone = gateway.get(f"{PATH}/{video_id}", headers=customer.headers)
        assert refused(gone) == (404, "invalid_request_error", None, "not_found")
    answer = gateway.delete(f"{PATH}/{sent}", headers=customer.headers)
    assert refused(answer) == (409, "invalid_request_error", None, "not_finished")
    assert answer.headers["x-should-retry"] == "false"
    with database.transaction() as session:
        assert session.get_one(Generation, sent).cancel_requested_at is not None


def test_content_is_streamed_with_ranges_and_its_type(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_video(customer, database, settings)
    path = f"{PATH}/video_{generation_id.hex}/content"
    early = gateway.get(path, headers=customer.headers)
    assert refused(early) == (409, "invalid_request_error", None, "not_ready")
    assert early.headers["x-should-retry"] == "false"
    complete_as_video(database, settings, objects, generation_id)

    def fetch(query: str = "", **headers: str) -> httpx.Response:
        return gateway.get(path + query, headers={**customer.headers, "Accept": "application/binary", **headers})

    whole, part = fetch(), fetch(Range="bytes=2-6")
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, b"a short film", "video/mp4")
    assert (part.status_code, part.content) == (206, b"short")
    assert fetch("?variant=video").content == b"a short film"
    assert fetch("?variant=thumbnail").content == b"a poster"
    assert refused(fetch("?variant=spritesheet")) == (404, "invalid_request_error", None, "not_found")
    assert refused(fetch("?variant=x")) == (400, "invalid_request_error", "variant", "invalid_request")
    assert gateway.head(path, headers=customer.headers).headers["content-length"] == "12"


def test_an_image_and_the_video_of_another_customer_are_no_videos_here(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    image = a_generation(database, settings, customer)
    others = a_video(new_customer(database, 100), database, settings)
    for generation_id in (image, others):
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content"), ("POST", "/remix")):
            body = PROMPT if method == "POST" else None
            answer = gateway.request(method, f"{PATH}/{generation_id}{path}", headers=customer.headers, json=body)
            assert refused(answer) == (404, "invalid_request_error", None, "not_found"), (method, path)
