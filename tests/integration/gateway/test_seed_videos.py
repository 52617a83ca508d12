"""`/video` and `/image`: the requests of the seed as printed there, over HTTP."""

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import col, select

from api_gateway import create_app
from schemas.enums import ErrorCode, Scope
from schemas.orders import Order
from schemas.setting_groups import SeedSettings
from schemas.settings import Settings
from schemas.tables import Asset, Generation
from storage import customers, ledger
from storage.api_keys import Owner
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.integration.gateway.serving import serving
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation, a_video, eventually

PRINTED: dict[str, Any] = {
    "prompt": "A serene mountain landscape at sunset",
    "settings": {
        "video": {
            "model": "veo-3.1-fast",
            "duration_seconds": 5,
            "aspect_ratio": "9:16",
            "enhance_prompt": True,
            "number_of_videos": 1,
        }
    },
    "customer_id": 123,
    "input_image_url": "https://media.example/first.png",
    "save_to_db": True,
}
"""The request of the seed."""

BODY = b"the bytes of a video"
PRICE = 60


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway at which orders may wait."""
    seeds = SeedSettings(longest_wait_seconds=60, inline_bytes=len(BODY))
    changes = {"seeds": seeds, "credits_url": "https://shop.example/credits"}
    with serving(create_app(settings.model_copy(update=changes))) as client:
        yield client


@pytest.fixture
def helper() -> Iterator[ThreadPoolExecutor]:
    """Sends requests beside the test."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def headers(database: Database, service: Owner, make_key: Callable[..., str]) -> dict[str, str]:
    """The headers of a service whose customer 123 has 1000 credits."""
    assert service.service_id is not None
    with database.transaction() as session:
        customer_id = customers.ensure_customer_of(session, service.service_id, "123")
        ledger.grant(session, customer_id, 1000, reference="test")
    key = make_key(service, scopes=(Scope.GENERATE, Scope.READ), makes_customers=True)
    return {"X-API-Key": key}


def accepted(database: Database, count: int = 1) -> list[UUID]:
    """The generations that the gateway has accepted, the first one first."""

    def ids() -> list[UUID]:
        with database.transaction() as session:
            newest_first = (col(Generation.created_at).desc(), col(Generation.id).desc())
            return list(session.exec(select(Generation.id).order_by(*newest_first)))

    return eventually(ids, lambda found: len(found) == count)


def plain(**changes: Any) -> dict[str, Any]:
    """A request that names no customer, and does not wait."""
    return {"prompt": "a boat", "settings": {"video": {"poll_timeout_seconds": 0, **changes}}}


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


def test_a_file_that_is_not_to_be_saved_is_in_the_answer_and_ends_soon(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    helper: ThreadPoolExecutor,
) -> None:
    wanted = {"prompt": "a boat", "save_to_db": False}
    sent = helper.submit(gateway.post, "/video/generate", json=wanted, headers=make_customer(PRICE).headers)
    (generation_id,) = accepted(database)
    complete(database, settings, objects, generation_id, BODY)

    answer = sent.result()
    start, _, content = answer.json()["data"]["video_url"].partition(",")
    assert (start, base64.b64decode(content)) == ("data:image/png;base64", BODY)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with database.transaction() as session:
        asset = session.exec(select(Asset).where(Asset.generation_id == generation_id)).one()
    assert asset.expires_at is not None
    assert asset.created_at is not None
    assert (asset.expires_at - asset.created_at).total_seconds() == pytest.approx(600, abs=5)


def test_a_file_that_the_store_does_not_give_is_a_link(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    helper: ThreadPoolExecutor,
) -> None:
    wanted = {"prompt": "a boat", "save_to_db": False}
    headers = make_customer(PRICE).headers | {"Idempotency-Key": "1"}
    sent = helper.submit(gateway.post, "/video/generate", json=wanted, headers=headers)
    (generation_id,) = accepted(database)
    stored = complete(database, settings, objects, generation_id, BODY)
    assert sent.result().json()["data"]["video_url"].startswith("data:")
    objects.remove(stored.object_key)

    again = gateway.post("/video/generate", json=wanted, headers=headers)
    assert (again.status_code, again.json()["data"]["video_url"].partition("/files/")[1]) == (200, "/files/")


def test_a_file_above_the_limit_is_a_link(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    helper: ThreadPoolExecutor,
) -> None:
    wanted = {"prompt": "a boat", "save_to_db": False}
    sent = helper.submit(gateway.post, "/video/generate", json=wanted, headers=make_customer(PRICE).headers)
    (generation_id,) = accepted(database)
    complete(database, settings, objects, generation_id, BODY + b"!")

    assert gateway.get(sent.result().json()["data"]["video_url"]).content == BODY + b"!"


@pytest.mark.parametrize(
    ("code", "status"), [(ErrorCode.PROVIDER_FAILED, 502), (ErrorCode.DOWNLOAD_FAILED, 502), (ErrorCode.INTERNAL, 500)]
)
def test_a_failure_is_told_as_the_seed_tells_it(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    make_customer: Any,
    helper: ThreadPoolExecutor,
    code: ErrorCode,
    status: int,
) -> None:
    customer = make_customer(PRICE)
    sent = helper.submit(gateway.post, "/video/generate", json={"prompt": "a boat"}, headers=customer.headers)
    (generation_id,) = accepted(database)
    fail(database, settings, generation_id, code, "the reason")

    answer = sent.result()
    body = answer.json()
    assert (answer.status_code, body["success"], body["code"]) == (status, False, status)
    assert (body["data"], body["error"]["code"], body["error"]["id"]) == (None, code, str(generation_id))
    assert "the reason" in body["message"]
    # A question is answered: the client stops asking, as it would not after a 502.
    asked = gateway.get(f"/video/{generation_id}", headers=customer.headers)
    told = asked.json()
    assert (asked.status_code, told["success"], told["code"]) == (200, False, status)
    assert (told["data"]["status"], told["data"]["error"]["code"]) == ("failed", code)


REFUSED: list[tuple[int, str, str, dict[str, Any]]] = [
    (400, "invalid_request", "/video/generate", {"prompt": ""}),
    (400, "invalid_request", "/video/generate", {"prompt": "   "}),
    (400, "invalid_request", "/video/generate", {}),
    (400, "invalid_request", "/video/generate", {"prompt": "a boat", "customer_id": ""}),
    (400, "invalid_request", "/video/generate", {"prompt": "a boat", "customer_id": {"id": 1}}),
    (400, "invalid_request", "/video/generate", plain(model="no-such-model")),
    (400, "invalid_request", "/video/generate", plain(model="nano-banana")),
    (400, "invalid_request", "/image/generate", {"prompt": "a boat", "settings": {"image": {"model": "veo"}}}),
    (403, "other_customer", "/video/generate", {"prompt": "a boat", "customer_id": 123}),
    *((410, "model_retired", "/video/generate", plain(model=name)) for name in ("sora", "sora-1", "openai")),
    (422, "invalid_request", "/video/generate", plain(duration_seconds="long")),
    (422, "invalid_request", "/video/generate", plain(number_of_videos=11)),
    (422, "invalid_request", "/video/generate", {"prompt": "a boat", "input_image_url": "first.png"}),
    (422, "invalid_request", "/video/extend", {"prompt": "on", "video_id": "no address"}),
    (501, "not_implemented", "/video/extend", {"prompt": "on", "video_id": "https://media.example/a.mp4"}),
]


@pytest.mark.parametrize(("status", "code", "path", "body"), REFUSED)
def test_a_refusal_has_the_status_of_the_seed(
    gateway: httpx.Client, make_customer: Any, status: int, code: str, path: str, body: dict[str, Any]
) -> None:
    answer = gateway.post(path, json=body, headers=make_customer(100).headers)

    told = answer.json()
    assert (answer.status_code, told["success"], told["code"]) == (status, False, status), told
    assert (told["data"], told["error"]["code"]) == (None, code)


def test_without_a_key_credits_or_a_video_the_status_says_so(gateway: httpx.Client, make_customer: Any) -> None:
    poor = make_customer(PRICE - 1).headers
    unknown = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"
    answers = [
        gateway.post("/video/generate", json={"prompt": "a boat"}),
        gateway.post("/video/generate", json={"prompt": "a boat"}, headers=poor),
        gateway.get(f"/video/{unknown}", headers=poor),
        gateway.get(f"/image/{unknown}/download", headers=poor),
        gateway.post("/video/extend", json={"prompt": "on", "video_id": unknown}, headers=poor),
    ]

    assert [answer.status_code for answer in answers] == [401, 402, 404, 404, 422]
    assert all(answer.json()["code"] == answer.status_code for answer in answers)
    assert answers[1].json()["error"]["buy_credits_url"] == "https://shop.example/credits"


def test_an_error_names_the_setting_as_the_client_did(gateway: httpx.Client, make_customer: Any) -> None:
    customer = make_customer(100)
    told = gateway.post("/video/generate", json=plain(fps=0), headers=customer.headers).json()
    assert told["error"]["errors"][0]["field"] == "settings.video.fps"
    told = gateway.post("/video/generate", json=plain(model="no-such-model"), headers=customer.headers).json()
    assert told["error"]["errors"][0]["field"] == "settings.video.model"


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


@pytest.mark.parametrize(
    ("form", "model", "extender"),
    [
        ("{id}", None, "veo-3-fast-extend"),
        ("{url}", None, "veo-3-fast-extend"),
        ("http://any.example/video/{id}", "veo-3.1-fast", "veo-3-fast-extend"),
        ("generation:{id}", "veo-3.1", "veo-3-extend"),
    ],
)
def test_a_video_of_ours_is_extended_by_its_id_or_its_link(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    form: str,
    model: str | None,
    extender: str,
) -> None:
    customer: NewCustomer = make_customer(1000)
    generation_id = _extendable(database, settings, objects, customer)
    url = gateway.get(f"/video/{generation_id}", headers=customer.headers).json()["data"]["video_url"]
    wanted = {**plain(**({"model": model} if model else {})), "video_id": form.format(id=generation_id, url=url)}

    answer = gateway.post("/video/extend", json=wanted, headers=customer.headers)

    assert answer.status_code == 202, answer.text
    data = answer.json()["data"]
    assert (data["provider"], data["served_by"]["model"], data["duration"]) == ("gemini", extender, 7)


def test_a_model_that_does_not_extend_is_refused_with_those_that_do(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, make_customer: Any
) -> None:
    customer = make_customer(1000)
    generation_id = _extendable(database, settings, objects, customer)
    wanted = {**plain(model="kling"), "video_id": str(generation_id)}

    answer = gateway.post("/video/extend", json=wanted, headers=customer.headers)

    assert answer.status_code == 501
    assert answer.json()["error"]["extenders"] == ["veo-3-extend", "veo-3-fast-extend", "veo-3-lite-extend"]
    assert "veo-3-fast-extend" in answer.json()["message"]


def _extendable(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> UUID:
    """A completed video of Veo at Kie."""
    order = a_video()
    order = order.model_copy(update={"inputs": order.inputs.model_copy(update={"resolution": "720p"})})
    generation_id = a_generation(database, settings, customer, order)
    complete(database, settings, objects, generation_id, BODY)
    # `complete` stores every result as a picture.
    with database.transaction() as session:
        asset = session.exec(select(Asset).where(Asset.generation_id == generation_id)).one()
        asset.content_type = "video/mp4"
    return generation_id
