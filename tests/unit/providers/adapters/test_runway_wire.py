import json
from collections import deque
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.runway.adapter import Runway
from providers.adapters.runway.forms import FORMS, to_body, to_path
from providers.adapters.runway.wire import Task, to_state
from providers.base import AccountState, Cancellation, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.models import Model, RouteEntry
from providers.http.transport import Transport
from schemas.enums import CancelRule, ErrorCode
from schemas.errors import CallbackRefused
from schemas.orders import GenerationRequest, Inputs
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a lighthouse in fog"
TASK_ID = "0b6f2c1e-5a77-4c0e-9d0a-2f3c8e1d7a90"
TEXT, IMAGE, TURBO, PICTURE, PICTURE_TURBO, ALEPH, VEO, VEO_FAST, *_ = FORMS
REMOTE = RemoteRef(TASK_ID, TEXT)
URL = "https://dnznrvs05pmza.cloudfront.net/out.mp4?_jwt=x"
NO_TASK = (404, {"error": "Task not found"})


def account(*replies: tuple[int, object], requests: list[httpx.Request] | None = None) -> Runway:
    """An account whose calls are answered with these statuses and JSONs, one after the other."""
    left = deque(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        status, reply = left.popleft()
        return httpx.Response(status) if reply is None else httpx.Response(status, json=reply)

    return Runway(
        "runway", ProviderSettings(api_key=SecretStr("key_1234")), Transport(http=httpx.MockTransport(answer))
    )


def submit(runway: Runway) -> str:
    inputs = Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5)
    created = runway.submit(
        ProviderRequest(TEXT, inputs),
        callback_url="https://gw.example/callbacks/runway/1?t=x",
        generation_id=uuid4(),
        fence=lambda: None,
    )
    return created.remote_id


def task(status: str = "PENDING", **fields: Any) -> dict[str, Any]:
    return {"id": TASK_ID, "status": status, "createdAt": "2026-11-20T09:00:00Z", **fields}


def state_of(status: str, **fields: Any) -> RemoteState:
    return to_state(Task.model_validate(task(status, **fields)))


VIDEO = "https://x.example/1.mp4"
FRAMES = [{"uri": "https://x.example/1.png", "position": "first"}]
TAGGED = [{"uri": "https://x.example/1.png", "tag": "image1"}]
VERTICAL = {"ratio": "720:1280"}
SOUNDING = {"duration": 7, "audio": True, "negativePrompt": "haze", **VERTICAL}
WRITTEN: dict[str, tuple[str, dict[str, object]]] = {
    TEXT: ("/v1/text_to_video", {"model": "gen4.5", "duration": 7, **VERTICAL}),
    IMAGE: ("/v1/image_to_video", {"model": "gen4.5", "duration": 7, "promptImage": FRAMES, **VERTICAL}),
    TURBO: ("/v1/image_to_video", {"model": "gen4_turbo", "duration": 7, "promptImage": FRAMES, **VERTICAL}),
    PICTURE: ("/v1/text_to_image", {"model": "gen4_image", "referenceImages": TAGGED, **VERTICAL}),
    PICTURE_TURBO: ("/v1/text_to_image", {"model": "gen4_image_turbo", "referenceImages": TAGGED, **VERTICAL}),
    ALEPH: (
        "/v1/video_to_video",
        {"model": "aleph2", "videoUri": VIDEO, "keyframes": [{"uri": "https://x.example/1.png", "at": 0.0}]},
    ),
    VEO: ("/v1/image_to_video", {"model": "veo3.1", "promptImage": FRAMES, **SOUNDING}),
    VEO_FAST: ("/v1/image_to_video", {"model": "veo3.1_fast", "promptImage": FRAMES, **SOUNDING}),
}


@pytest.mark.parametrize("model", WRITTEN)
def test_the_fields_of_each_model(model: str) -> None:
    inputs = Inputs(
        prompt=PROMPT,
        negative_prompt="haze",
        image_urls=["https://x.example/1.png"],
        video_urls=[VIDEO],
        aspect_ratio="9:16",
        resolution="720p",
        duration_seconds=7,
        seed=3,
        audio=True,
        output_format="png",
    )
    path, body = WRITTEN[model]
    assert to_path(model, inputs) == path
    assert to_body(model, inputs) == {"promptText": PROMPT, "seed": 3, **body}


@pytest.mark.parametrize("model", [VEO, VEO_FAST])
def test_veo_takes_text_or_a_first_and_a_last_frame(model: str) -> None:
    inputs = Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="1080p", duration_seconds=4, audio=False)
    assert to_path(model, inputs) == "/v1/text_to_video"
    assert to_body(model, inputs) == {
        "model": model.partition("/")[2],
        "promptText": PROMPT,
        "ratio": "1920:1080",
        "duration": 4,
        "audio": False,
    }
    both = inputs.model_copy(update={"image_urls": ["https://x.example/1.png", "https://x.example/2.png"]})
    assert to_path(model, both) == "/v1/image_to_video"
    assert to_body(model, both)["promptImage"] == [*FRAMES, {"uri": "https://x.example/2.png", "position": "last"}]


def test_a_video_can_be_changed_without_an_image() -> None:
    assert to_body(ALEPH, Inputs(prompt=PROMPT, video_urls=[VIDEO], duration_seconds=5)) == {
        "model": "aleph2",
        "promptText": PROMPT,
        "videoUri": VIDEO,
    }


def test_each_image_has_a_tag_and_without_images_the_field_is_omitted() -> None:
    inputs = Inputs(prompt=PROMPT, image_urls=["https://x.example/1", "https://x.example/2"], aspect_ratio="1:1")
    sent = to_body(PICTURE, inputs.model_copy(update={"resolution": "1080p"}))
    assert sent["referenceImages"] == [
        {"uri": "https://x.example/1", "tag": "image1"},
        {"uri": "https://x.example/2", "tag": "image2"},
    ]
    assert set(to_body(PICTURE, Inputs(prompt=PROMPT, aspect_ratio="1:1", resolution="720p"))) == {
        "model",
        "promptText",
        "ratio",
    }


ROUTES = [
    (model, route) for model in CatalogueFile.shipped().models for route in model.routes if route.provider == "runway"
]


def test_every_supported_model_is_in_the_catalogue_and_charges_cancels() -> None:
    assert sorted(route.model for _, route in ROUTES) == sorted(FORMS)
    assert {route.cancel for _, route in ROUTES} == {CancelRule.CHARGED}


@pytest.mark.parametrize(("model", "route"), ROUTES, ids=[model.name for model, _ in ROUTES])
def test_the_ratios_match_the_catalogue(model: Model, route: RouteEntry) -> None:
    can = model.capabilities
    catalogue = Catalogue.load(frozenset({"runway"}))
    ratios = set()
    for resolution, aspect_ratio in product(can.resolutions, can.aspect_ratios):
        asked = {
            "model": model.name,
            "prompt": PROMPT,
            "resolution": resolution,
            "aspect_ratio": aspect_ratio,
            "image_urls": ["https://x.example/1.png"] * can.min_images,
        }
        order = catalogue.order(GenerationRequest.model_validate(asked))
        ratio = str(to_body(route.model, order.inputs)["ratio"])
        width, height = map(int, ratio.split(":"))
        wide, high = map(int, aspect_ratio.split(":"))
        assert width / height == pytest.approx(wide / high, rel=0.03)
        ratios.add(ratio)
    assert ratios == {ratio for table in FORMS[route.model].ratios.values() for shape, ratio in table.items() if shape}


PICTURED = Inputs(prompt=PROMPT, image_urls=["https://x.example/1.png"], duration_seconds=5)


@pytest.mark.parametrize(
    ("model", "resolution", "fields"),
    [
        ("video/wan3", "480p", {"ratio": "auto_480p", "duration": 5}),
        ("video/kling_4", "1080p", {"ratio": "auto_1080p", "duration": 5}),
        ("video/hailuo3", "2k", {"ratio": "adaptive", "resolution": "2k", "duration": 5}),
        ("video/grok_imagine_1_5", "720p", {"resolution": "720p", "duration": 5}),
    ],
)
def test_a_picture_gives_its_shape_to_the_video(model: str, resolution: str, fields: dict[str, object]) -> None:
    assert to_body(model, PICTURED.model_copy(update={"resolution": resolution})) == {
        "model": model.partition("/")[2],
        "promptText": PROMPT,
        "promptImage": FRAMES,
        **fields,
    }


@pytest.mark.parametrize(
    ("model", "ratio", "fields"),
    [
        ("seedream5_pro", "2720:1530", {"outputFormat": "jpeg"}),
        ("grok_imagine_image_2", "2816:1584", {"quality": "medium"}),
        ("ideogram_4_0", "2560:1440", {"quality": "medium"}),
        ("ideogram_4_5", "2560:1440", {"quality": "medium"}),
    ],
)
def test_references_without_tags(model: str, ratio: str, fields: dict[str, object]) -> None:
    inputs = PICTURED.model_copy(update={"aspect_ratio": "16:9", "resolution": "2K", "output_format": "jpeg"})
    assert to_body(f"text_to_image/{model}", inputs) == {
        "model": model,
        "promptText": PROMPT,
        "ratio": ratio,
        "referenceImages": [{"uri": "https://x.example/1.png"}],
        **fields,
    }


@pytest.mark.parametrize(
    ("model", "changed"),
    [
        ("text_to_video/gen3a_turbo", {}),
        ("text_to_video/gen4_turbo", {}),
        (TEXT, {"aspect_ratio": "1:1"}),
        (TEXT, {"resolution": "1080p"}),
        (TEXT, {"aspect_ratio": None, "resolution": None}),
    ],
)
def test_an_old_order_of_an_unsupported_model_is_rejected(model: str, changed: dict[str, object]) -> None:
    inputs = Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5)
    with pytest.raises(ProviderRejected, match=r"runway's model .* is not served any more"):
        to_body(model, inputs.model_copy(update=changed))


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    assert submit(account((200, {"id": TASK_ID, "estimatedCost": {"credits": 60}}), requests=requests)) == TASK_ID
    (request,) = requests
    assert (request.method, str(request.url)) == ("POST", "https://api.dev.runwayml.com/v1/text_to_video")
    assert request.headers["authorization"] == "Bearer key_1234"
    assert request.headers["x-runway-version"] == "2024-11-06"
    assert json.loads(request.content) == {
        "model": "gen4.5",
        "promptText": PROMPT,
        "ratio": "1280:720",
        "duration": 5,
    }


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (200, {}),
        (200, []),
        (200, {"id": ""}),
        (200, {"id": "../organization"}),
        (302, {"id": TASK_ID}),
        (400, {"id": TASK_ID}),
        (500, {"id": TASK_ID}),
        (500, {"error": "no"}),
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(status: int, reply: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account((status, reply)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"promptText: '{PROMPT}' is dull", "promptText: '[…]' is dull"),
        ("see https://x.example/key_1234\nnow", "see [link] now"),
        ("your key key_1234 may not do that", "your key […] may not do that"),
    ],
)
def test_the_text_of_a_rejection_is_quoted_without_secrets(text: str, told: str) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account((400, {"error": text})))
    assert caught.value.message == f"runway answered submit with HTTP 400: {told}"


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (429, "Too many requests", ProviderRateLimited),
        (429, "You have reached your daily task limit", ProviderRateLimited),
        (429, "Daily generations exceeded", ProviderRateLimited),
        (400, "You do not have enough credits to run this task.", ProviderQuotaExceeded),
        (400, f"promptText: '{PROMPT}: daily, You do not have enough credits'", ProviderRejected),
        (503, "shedding load; the daily peak", ProviderUnavailable),
    ],
)
def test_an_exhausted_account_differs_from_a_rate_limit(status: int, text: str, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        submit(account((status, {"error": text})))
    assert type(caught.value) is expected


def test_a_poll_reads_one_task() -> None:
    requests: list[httpx.Request] = []
    account((200, task()), requests=requests).poll(REMOTE)
    (request,) = requests
    assert (request.method, request.url.path, request.content) == ("GET", f"/v1/tasks/{TASK_ID}", b"")
    assert request.headers["x-runway-version"] == "2024-11-06"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ((200, {}), ProviderUnavailable),
        ((200, {"error": "no"}), ProviderUnavailable),
        ((200, task() | {"id": "another"}), ProviderBadResponse),
        (NO_TASK, ProviderRejected),
    ],
)
def test_a_read_without_a_usable_task(reply: tuple[int, object], expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        account(reply).poll(REMOTE)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", RemoteStatus.QUEUED),
        ("RUNNING", RemoteStatus.RUNNING),
        ("CANCELLED", RemoteStatus.CANCELLED),
    ],
)
def test_states(word: str, status: RemoteStatus) -> None:
    assert state_of(word) == RemoteState(status)


def test_a_task_over_the_tasks_at_once_waits_because_of_our_account() -> None:
    assert state_of("THROTTLED") == RemoteState(RemoteStatus.QUEUED, is_throttled=True)


@pytest.mark.parametrize(
    ("given", "told"),
    [(0, 0.0), (0.42, 0.42), (1, 1.0), (None, None), (1.5, None), (-0.1, None), ("0.5", 0.5), (True, None)],
)
def test_progress_is_a_fraction_or_unknown(given: object, told: float | None) -> None:
    assert state_of("RUNNING", progress=given) == RemoteState(RemoteStatus.RUNNING, progress=told)


def test_a_success_has_links_and_a_charge() -> None:
    assert state_of("SUCCEEDED", output=[URL], cost={"credits": 60}) == RemoteState(
        RemoteStatus.SUCCEEDED, result_urls=[URL], provider_credits=Decimal(60)
    )


@pytest.mark.parametrize("cost", [None, {}, 60, {"credits": "many"}, {"credits": None}])
def test_an_unreadable_charge_keeps_the_result(cost: object) -> None:
    state = state_of("SUCCEEDED", output=[URL], cost=cost)
    assert (state.result_urls, state.provider_credits) == ([URL], None)


@pytest.mark.parametrize("output", [None, []])
def test_success_without_a_link_is_a_failure(output: object) -> None:
    state = state_of("SUCCEEDED", output=output)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == "runway reported success without a result"


@pytest.mark.parametrize("output", [URL, {"url": URL}, [URL, None], [f"{URL} {URL}"], [f" {URL}\n"]])
def test_a_result_in_another_form_is_found(output: object) -> None:
    assert state_of("SUCCEEDED", output=output).result_urls == [URL]


@pytest.mark.parametrize("output", [["javascript:1"], "a cat", ["none"]])
def test_a_result_without_a_link_fails_at_once(output: object) -> None:
    state = state_of("SUCCEEDED", output=output)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize(
    ("code", "expected", "told"),
    [
        ("SAFETY.INPUT.TEXT", ErrorCode.CONTENT_REJECTED, "refused it by its content policy"),
        ("SAFETY.OUTPUT.VIDEO", ErrorCode.CONTENT_REJECTED, "refused it by its content policy"),
        ("SAFETY", ErrorCode.CONTENT_REJECTED, "refused it by its content policy"),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", ErrorCode.CONTENT_REJECTED, "refused it by its content policy"),
        ("INPUT_PREPROCESSING.INTERNAL", ErrorCode.PROVIDER_FAILED, "could not generate it"),
        ("ASSET.INVALID", ErrorCode.INPUT_UNREADABLE, "could not use an input file"),
        ("ASSET.INVALID.DIMENSIONS", ErrorCode.INPUT_UNREADABLE, "could not use an input file"),
        ("INTERNAL.BAD_OUTPUT.CODE01", ErrorCode.PROVIDER_FAILED, "could not generate it"),
        ("SAFETYNET", ErrorCode.PROVIDER_FAILED, "could not generate it"),
        (None, ErrorCode.PROVIDER_FAILED, "could not generate it"),
    ],
)
def test_the_cause_of_a_failed_task(code: str | None, expected: ErrorCode, told: str) -> None:
    state = state_of("FAILED", failureCode=code, failure="An odd picture", cost={"credits": 0})
    assert (state.error_code, state.error_message) == (expected, f"runway {told}: An odd picture")
    assert state.provider_credits == 0


def test_a_failure_without_a_reason() -> None:
    assert state_of("FAILED").error_message == "runway could not generate it: no reason given"


def cancel(*replies: tuple[int, object]) -> tuple[Cancellation, list[str]]:
    """The outcome of a cancel, and its calls."""
    requests: list[httpx.Request] = []
    answer = account(*replies, requests=requests).cancel(REMOTE)
    assert {request.url.path for request in requests} == {f"/v1/tasks/{TASK_ID}"}
    return answer, [request.method for request in requests]


@pytest.mark.parametrize("word", ["PENDING", "THROTTLED", "RUNNING"])
def test_a_cancel_deletes_an_open_task(word: str) -> None:
    assert cancel((200, task(word)), (204, None)) == (Cancellation.STOPPED, ["GET", "DELETE"])


@pytest.mark.parametrize("word", ["SUCCEEDED", "FAILED"])
def test_a_finished_task_is_never_deleted(word: str) -> None:
    assert cancel((200, task(word, output=["none"]))) == (Cancellation.IMPOSSIBLE, ["GET"])


def test_a_cancelled_task_is_not_deleted() -> None:
    assert cancel((200, task("CANCELLED"))) == (Cancellation.STOPPED, ["GET"])


def test_a_cancel_after_a_lost_answer_is_stopped() -> None:
    assert cancel(NO_TASK) == (Cancellation.STOPPED, ["GET"])
    assert cancel((200, task("RUNNING")), NO_TASK) == (Cancellation.STOPPED, ["GET", "DELETE"])


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([(404, None)], ProviderRejected),
        ([(200, task("PAUSED"))], ProviderBadResponse),
        ([(200, task("RUNNING")), (404, None)], ProviderRejected),
        ([(200, task("RUNNING")), (200, None)], ProviderUnavailable),
        ([(200, task("RUNNING")), (503, {"error": "busy"})], ProviderUnavailable),
    ],
)
def test_a_cancel_without_confirmation_is_not_stopped(
    replies: list[tuple[int, object]], expected: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as caught:
        cancel(*replies)
    assert type(caught.value) is expected


def test_a_check_reads_the_organizations_balance() -> None:
    requests: list[httpx.Request] = []
    runway = account((200, {"creditBalance": 990, "tier": {}, "usage": {}}), requests=requests)
    assert runway.check() == AccountState(credits=Decimal(990))
    assert requests[0].url.path == "/v1/organization"


def test_runway_refuses_callbacks() -> None:
    with pytest.raises(CallbackRefused, match="does not call back"):
        account().read_callback({}, json.dumps(task("SUCCEEDED", output=[URL])).encode())
