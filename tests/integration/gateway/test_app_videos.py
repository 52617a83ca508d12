"""`/api/video` and `/api/get-video-status`, as the pages of earlier services call them."""

import base64
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select

from api_gateway import create_app
from schemas.enums import ErrorCode, Kind, Stage
from schemas.orders import Order
from schemas.setting_groups import ProviderSettings
from schemas.settings import Settings
from schemas.tables import Generation
from storage import transitions
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from tests.integration.gateway.finishing import claim, complete, fail
from tests.integration.gateway.serving import serving
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation, an_order

GENERATE = "/api/video/generate"
PROMPT = "A paper boat on a rainy street"
KLING = "kling-2.6-text-to-video"
PAGE: dict[str, object] = {
    "prompt": PROMPT,
    "duration": 5,
    "aspectRatio": "16:9",
    "frameRate": 24,
    "style": "realistic",
}
"""What the page of the form sends."""


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer with credits for any video."""
    return make_customer(5000)


def ordered(gateway: httpx.Client, customer: NewCustomer, **fields: object) -> httpx.Response:
    """The answer to an accepted order."""
    answer = gateway.post(GENERATE, json={"prompt": PROMPT, "model": KLING, **fields}, headers=customer.headers)
    assert answer.status_code == 200, answer.text
    return answer


def state(gateway: httpx.Client, customer: NewCustomer, job_id: str) -> dict[str, object]:
    """A job as the page polls for it. The other path says the same."""
    answer = gateway.get(f"/api/video/{job_id}", headers=customer.headers)
    other = gateway.get("/api/get-video-status", params={"id": job_id}, headers=customer.headers)
    assert (answer.status_code, other.json()) == (200, answer.json())
    told: dict[str, object] = answer.json()
    return told


def row(database: Database, job_id: str) -> Generation:
    with database.transaction() as session:
        return session.exec(select(Generation).where(Generation.id == UUID(job_id))).one()


def test_the_request_of_the_page_is_accepted_as_printed(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    answer = gateway.post(GENERATE, json=PAGE, headers=customer.headers)

    assert (answer.status_code, list(answer.json())) == (200, ["jobId"])
    made = row(database, answer.json()["jobId"])
    assert (made.kind, made.model) == (Kind.VIDEO, KLING)
    assert "reelworks-warning" not in answer.headers
    assert made.created_at is not None
    assert abs(made.deadline_at - made.created_at - timedelta(seconds=300)) < timedelta(seconds=1)


def test_a_link_of_ours_names_the_generation(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    source = a_generation(database, settings, customer)
    complete(database, settings, objects, source, b"a picture")
    app_link = gateway.get(f"/image/{source}", headers=customer.headers).json()["data"]["image_url"]

    job = ordered(gateway, customer, model="kling-2.6-image-to-video", imageUrl=app_link).json()["jobId"]

    assert Order.model_validate(row(database, job).order).inputs.image_urls == [f"generation:{source}"]


def test_a_picture_in_the_request_may_have_megabytes(gateway: httpx.Client, customer: NewCustomer) -> None:
    picture = png(8, 8) + bytes(2 * 1024**2)
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    ordered(gateway, customer, model="kling-2.6-image-to-video", imageUrl=url)


@pytest.fixture(scope="module")
def all_gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway with accounts at the vendors of every `provider`."""
    account = ProviderSettings(api_key=SecretStr("key"))
    accounts = settings.providers.with_accounts(runway=account, fal=account)
    with serving(create_app(settings.model_copy(update={"providers": accounts}))) as client:
        yield client


@pytest.mark.parametrize("provider", ["runway", "pika"])
def test_the_word_of_a_provider_chooses_its_model(
    all_gateway: httpx.Client, database: Database, customer: NewCustomer, provider: str
) -> None:
    answer = all_gateway.post(GENERATE, json={**PAGE, "provider": provider}, headers=customer.headers)

    assert answer.status_code == 200, answer.text
    model = row(database, answer.json()["jobId"]).model
    assert model == {"runway": "gen-4.5-text-to-video", "pika": "pika-2.2-text-to-video"}[provider]


def test_a_provider_without_an_account_here_is_a_400(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = gateway.post(GENERATE, json={**PAGE, "provider": "pika"}, headers=customer.headers)

    assert answer.status_code == 400
    assert "no provider that is configured here serves a model like 'pika'" in answer.json()["error"]


def test_stable_video_sets_a_picture_in_motion_and_asks_for_one(
    all_gateway: httpx.Client, customer: NewCustomer
) -> None:
    wanted = {"prompt": PROMPT, "provider": "stable-video"}
    refused = all_gateway.post(GENERATE, json=wanted, headers=customer.headers)
    assert refused.status_code == 400
    assert [each["field"] for each in refused.json()["errors"]] == ["imageUrl"]

    picture = {"imageUrl": "https://example.com/a.png", "motionIntensity": "high"}
    accepted = all_gateway.post(GENERATE, json={**wanted, **picture}, headers=customer.headers)
    assert accepted.status_code == 200, accepted.text


def test_a_setting_that_the_model_cannot_do_becomes_the_nearest_and_is_named(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    wanted = {"duration": 7, "aspectRatio": "4:5", "frameRate": 60, "motionIntensity": "low", "seed": 7}

    answer = ordered(gateway, customer, **wanted)

    assert set(answer.headers["reelworks-warning"].split("; ")) == {
        "aspectRatio=4:5 not possible, 1:1 taken",
        "duration=7 not possible, 5 taken",
        "frameRate=60 not possible, 24 taken",
        "motionIntensity ignored",
        "seed ignored",
    }
    told = state(gateway, customer, answer.json()["jobId"])
    assert (told["duration"], told["aspectRatio"], told["seed"]) == (5, "1:1", None)
    assert ordered(gateway, customer, resolution="4k").headers["reelworks-warning"] == "resolution ignored"


def test_a_new_job_is_queued(gateway: httpx.Client, customer: NewCustomer) -> None:
    job_id = ordered(gateway, customer, duration=5, style="anime", reference="k123").json()["jobId"]

    told = state(gateway, customer, job_id)

    created_at = datetime.fromisoformat(str(told.pop("createdAt")))
    assert created_at.utcoffset() == timedelta(0)
    assert PROMPT in str(told.pop("prompt"))
    assert told == {
        "id": job_id,
        "status": "queued",
        "progress": 0,
        "currentStage": "queued",
        "errorMessage": None,
        "errorCode": None,
        "videoUrl": None,
        "thumbnailUrl": None,
        "duration": 5,
        "aspectRatio": "16:9",
        "frameRate": None,
        "resolution": None,
        "style": "anime",
        "motionIntensity": None,
        "seed": None,
        "provider": "kie",
        "model": KLING,
        "width": None,
        "height": None,
        "codec": None,
        "bitrate": None,
        "fileSize": None,
        "startedAt": None,
        "completedAt": None,
        "downloads": 0,
        "rating": None,
        "creditsUsed": 70,
        "renderTimeMs": None,
        "reference": "k123",
    }


def test_a_job_passes_the_stages_of_the_page(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    job_id = ordered(gateway, customer).json()["jobId"]
    held = claim(database, settings, UUID(job_id))
    seen = []
    for stage in (Stage.SUBMITTING, Stage.GENERATING, Stage.DOWNLOADING, Stage.STORING, Stage.SETTLING):
        with database.transaction() as session:
            held = transitions.move(of(session), held, stage, wake_in=0, keeps_lease=True)
        told = state(gateway, customer, job_id)
        seen.append((told["status"], told["currentStage"], told["progress"]))

    assert seen == [
        ("processing", "initializing", 5),
        ("processing", "generating", 15),
        ("encoding", "encoding", 80),
        ("encoding", "encoding", 90),
        ("encoding", "uploading", 97),
    ]


def test_a_completed_job_has_links_that_work_without_a_key(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    job_id = ordered(gateway, customer).json()["jobId"]
    complete(database, settings, objects, UUID(job_id), b"a video", poster=True)

    told = state(gateway, customer, job_id)

    assert (told["status"], told["currentStage"], told["progress"]) == ("completed", "completed", 100)
    assert (told["fileSize"], told["width"], told["height"], told["codec"]) == (7, 1024, 768, "png")
    assert (told["creditsUsed"], told["errorMessage"]) == (70, None)
    for field in ("startedAt", "completedAt", "renderTimeMs"):
        assert told[field] is not None
    assert httpx.get(str(told["videoUrl"]), trust_env=False).content == b"a video"
    assert httpx.get(str(told["thumbnailUrl"]), trust_env=False).content == b"a poster"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (ErrorCode.TIMEOUT, "It was not ready in time. You may send the same request again. (late) Credits refunded."),
        (
            ErrorCode.CONTENT_REJECTED,
            "The provider refused this request. Change it before you send it again. (late) Credits refunded.",
        ),
    ],
)
def test_a_failed_job_says_why_and_costs_nothing(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, code: ErrorCode, message: str
) -> None:
    job_id = ordered(gateway, customer).json()["jobId"]
    fail(database, settings, UUID(job_id), code, "late")

    told = state(gateway, customer, job_id)

    assert (told["status"], told["currentStage"], told["completedAt"]) == ("failed", None, None)
    assert (told["errorMessage"], told["errorCode"], told["creditsUsed"]) == (message, code, 0)


def test_a_cancelled_job_is_failed(gateway: httpx.Client, customer: NewCustomer) -> None:
    job_id = ordered(gateway, customer).json()["jobId"]
    assert gateway.post(f"/v1/generations/{job_id}/cancel", headers=customer.headers).status_code == 200

    told = state(gateway, customer, job_id)

    assert (told["status"], told["errorMessage"]) == ("failed", "You cancelled it before it began. Credits refunded.")


def test_a_download_is_a_file_to_save(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    job_id = ordered(gateway, customer).json()["jobId"]
    path = f"/api/video/{job_id}/download"
    early = gateway.get(path, headers=customer.headers)
    assert (early.status_code, early.json()["code"]) == (409, "not_ready")
    complete(database, settings, objects, UUID(job_id), b"a video")

    answer = gateway.get(path, headers=customer.headers, follow_redirects=True)

    assert (answer.status_code, answer.content) == (200, b"a video")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "Prompt too short"),
        ({"prompt": None}, "Prompt too short"),
        ({"prompt": "short"}, "Prompt too short"),
        ({"prompt": "x" * 501}, None),
        ({"duration": 11}, None),
        ({"frameRate": 25}, None),
        ({"aspectRatio": "21:9"}, None),
        ({"style": "no such style"}, None),
        ({"model": "no such model"}, None),
    ],
)
def test_a_wrong_value_is_a_400_that_names_the_field(
    gateway: httpx.Client, customer: NewCustomer, body: dict[str, object], error: str | None
) -> None:
    sent = body if body in ({}, {"prompt": None}) else {"prompt": PROMPT, **body}

    answer = gateway.post(GENERATE, json=sent, headers=customer.headers)

    told = answer.json()
    assert (answer.status_code, told["code"]) == (400, "invalid_request")
    assert told["error"] == (error or told["detail"])
    assert [each["field"] for each in told["errors"]] == [next(iter(body), "prompt")]


def test_an_order_without_a_key_is_unauthorized(gateway: httpx.Client) -> None:
    for answer in (
        gateway.post(GENERATE, json=PAGE),
        gateway.get(f"/api/video/{uuid4()}"),
        gateway.get(f"/api/video/{uuid4()}/download"),
        gateway.get("/api/get-video-status", params={"id": str(uuid4())}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")


def test_too_few_credits_are_a_402_with_the_page_on_which_to_buy_some(
    gateway: httpx.Client, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    poor, request = make_customer(1), {**PAGE, "model": KLING}
    without = gateway.post(GENERATE, json=request, headers=poor.headers)
    assert (without.status_code, without.json()["error"]) == (402, "Insufficient credits")
    assert (without.json()["code"], "buy_credits_url" in without.json()) == ("insufficient_credits", False)

    url = "https://films.example/pricing?from=api"
    with serving(create_app(settings.model_copy(update={"credits_url": url}))) as selling:
        told = selling.post(GENERATE, json=request, headers=poor.headers).json()
        problem = selling.post("/v1/generations", json={"model": KLING, "prompt": PROMPT}, headers=poor.headers).json()

    assert (told["error"], told["buy_credits_url"], problem["buy_credits_url"]) == ("Insufficient credits", url, url)


@pytest.mark.parametrize("path", ["/api/video/{}", "/api/video/{}/download", "/api/get-video-status?id={}"])
def test_a_video_of_another_customer_is_a_404(
    gateway: httpx.Client, customer: NewCustomer, make_customer: Callable[[int], NewCustomer], path: str
) -> None:
    job_id = ordered(gateway, customer).json()["jobId"]

    answer = gateway.get(path.format(job_id), headers=make_customer(0).headers)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert job_id in answer.json()["error"]


@pytest.mark.parametrize("path", ["/api/video/{}", "/api/video/{}/download", "/api/get-video-status?id={}"])
def test_an_image_is_no_video_here(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    path: str,
) -> None:
    image_id = a_generation(database, settings, customer, an_order())
    complete(database, settings, objects, image_id, b"an image")

    answer = gateway.get(path.format(image_id), headers=customer.headers)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert str(image_id) in answer.json()["error"]


def test_a_wrong_id_is_told_in_the_same_form(gateway: httpx.Client, customer: NewCustomer) -> None:
    for path, status in (("/api/video/7", 404), ("/api/get-video-status?id=7", 400), ("/api/get-video-status", 400)):
        answer = gateway.get(path, headers=customer.headers)
        assert (answer.status_code, answer.json()["error"]) == (status, answer.json()["detail"])


def test_the_same_key_orders_one_video(gateway: httpx.Client, customer: NewCustomer) -> None:
    headers = {**customer.headers, "Idempotency-Key": "order-1"}
    first, second = (gateway.post(GENERATE, json=PAGE, headers=headers) for _ in range(2))

    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("content", "media_type", "status"), [("{", "application/json", 400), ("prompt=a", "text/plain", 415)]
)
def test_a_body_that_is_no_json_is_told_in_the_same_form(
    gateway: httpx.Client, customer: NewCustomer, content: str, media_type: str, status: int
) -> None:
    headers = {**customer.headers, "Content-Type": media_type}

    answer = gateway.post(GENERATE, content=content, headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (status, answer.json()["detail"])
