"""Kie's wires for Veo and Runway."""

import json
from uuid import uuid4

import httpx
import pytest
from pydantic import JsonValue, SecretStr

from providers.adapters.kie import runway, veo
from providers.adapters.kie.adapter import Kie
from providers.adapters.kie.market import MARKET
from providers.adapters.kie.wire import Answer
from providers.adapters.kie.wires import to_body, wire_of
from providers.base import ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.http.transport import Transport
from schemas.enums import ErrorCode
from schemas.orders import Inputs
from schemas.provider_errors import ProviderBadResponse, ProviderError, ProviderRejected, ProviderUnavailable
from schemas.setting_groups import ProviderSettings

FIRST, LAST = "https://x.example/1.png", "https://x.example/2.png"
LINK = "https://media.example/1.mp4?size=1,2"
MINE = "generation:00000000-0000-0000-0000-000000000001"
OTHER = "https://media.example/2.mp4"
VIDEO = Inputs(prompt="p", aspect_ratio="9:16", resolution="1080p", duration_seconds=6)
VEO_BODY = {"prompt": "p", "aspect_ratio": "9:16", "aspectRatio": "9:16", "resolution": "1080p", "duration": 6}
RUNWAY_BODY = {"prompt": "p", "aspectRatio": "9:16", "quality": "1080p", "duration": 6, "waterMark": ""}


def pictured(*links: str) -> Inputs:
    return VIDEO.model_copy(update={"image_urls": list(links)})


def account(reply: object, requests: list[httpx.Request] | None = None) -> Kie:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(200, json=reply)

    return Kie("kie", ProviderSettings(api_key=SecretStr("key")), Transport(http=httpx.MockTransport(answer)))


def veo_state(**data: JsonValue) -> RemoteState:
    return veo.to_state(Answer(code=200, msg="the envelope's text", data=data))


def runway_state(**data: JsonValue) -> RemoteState:
    return runway.to_state(Answer(code=200, msg="the envelope's text", data=data))


@pytest.mark.parametrize(
    ("model", "wire"),
    [
        ("veo/veo3_fast", veo.VEO),
        ("veo-extend/veo3", veo.VEO_EXTEND),
        ("runway/generate", runway.RUNWAY),
        ("google/nano-banana", MARKET),
        ("gemini-omni-video", MARKET),
        ("gone", MARKET),
    ],
)
def test_the_model_of_a_route_selects_the_wire(model: str, wire: object) -> None:
    assert wire_of(model) is wire


@pytest.mark.parametrize("model", ["veo/veo2", "veo/veo3/reference", "veo-extend/veo2", "runway/gen4"])
def test_an_unknown_model_of_an_old_order_is_rejected(model: str) -> None:
    with pytest.raises(ProviderRejected, match=f"kie's model {model} is not served any more"):
        to_body(ProviderRequest(model, VIDEO))


@pytest.mark.parametrize(
    ("model", "inputs", "written"),
    [
        ("veo/veo3", VIDEO, {"model": "veo3", "generationType": "TEXT_2_VIDEO"}),
        ("veo/veo3_lite", VIDEO, {"model": "veo3_lite", "generationType": "TEXT_2_VIDEO"}),
        (
            "veo/veo3_fast",
            pictured(FIRST, LAST),
            {"model": "veo3_fast", "generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO", "imageUrls": [FIRST, LAST]},
        ),
        (
            "veo/veo3_fast/reference",
            pictured(FIRST),
            {"model": "veo3_fast", "generationType": "REFERENCE_2_VIDEO", "imageUrls": [FIRST]},
        ),
    ],
)
def test_the_body_of_veo(model: str, inputs: Inputs, written: dict[str, object]) -> None:
    assert to_body(ProviderRequest(model, inputs)) == {**VEO_BODY, **written}


@pytest.mark.parametrize(
    ("model", "word"),
    [("veo-extend/veo3", "quality"), ("veo-extend/veo3_fast", "fast"), ("veo-extend/veo3_lite", "lite")],
)
def test_veo_extends_the_task_of_an_earlier_video(model: str, word: str) -> None:
    inputs = Inputs(prompt="p", video_urls=[MINE], duration_seconds=7, audio=True)
    request = ProviderRequest(model, inputs, sources={MINE: RemoteRef("task_0", "veo/veo3")})
    assert to_body(request) == {"taskId": "task_0", "prompt": "p", "model": word}


@pytest.mark.parametrize(
    ("urls", "sources"),
    [([MINE], {}), ([], {MINE: RemoteRef("task_0", "veo/veo3")}), ([LINK], {MINE: RemoteRef("task_0", "veo/veo3")})],
)
def test_veo_extends_only_an_earlier_video(urls: list[str], sources: dict[str, RemoteRef]) -> None:
    request = ProviderRequest("veo-extend/veo3", Inputs(prompt="p", video_urls=urls), sources=sources)
    with pytest.raises(ProviderRejected, match="kie goes on from one video of its own"):
        to_body(request)


@pytest.mark.parametrize(("inputs", "written"), [(VIDEO, {}), (pictured(FIRST), {"imageUrl": FIRST})])
def test_the_body_of_runway(inputs: Inputs, written: dict[str, object]) -> None:
    assert to_body(ProviderRequest("runway/generate", inputs)) == {**RUNWAY_BODY, **written}


def test_runway_gets_no_aspect_ratio_with_an_image() -> None:
    inputs = pictured(FIRST).model_copy(update={"aspect_ratio": None})
    body = to_body(ProviderRequest("runway/generate", inputs))
    assert "aspectRatio" not in body


@pytest.mark.parametrize(
    ("model", "create", "status"),
    [
        ("veo/veo3", "/api/v1/veo/generate", "/api/v1/veo/record-info"),
        ("runway/generate", "/api/v1/runway/generate", "/api/v1/runway/record-detail"),
    ],
)
def test_each_wire_has_different_paths(model: str, create: str, status: str) -> None:
    requests: list[httpx.Request] = []
    kie = account({"code": 200, "msg": "success", "data": {"taskId": "task_1"}}, requests)
    created = kie.submit(
        ProviderRequest(model, VIDEO),
        callback_url="https://gw.example/callbacks/kie/1?t=x",
        generation_id=uuid4(),
        fence=lambda: None,
    )
    assert kie.poll(RemoteRef(created.remote_id, model)).status is RemoteStatus.UNKNOWN
    assert [(sent.method, sent.url.path) for sent in requests] == [("POST", create), ("GET", status)]
    body = {**to_body(ProviderRequest(model, VIDEO)), "callBackUrl": "https://gw.example/callbacks/kie/1?t=x"}
    assert json.loads(requests[0].content) == body
    assert requests[1].url.params["taskId"] == "task_1"


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([LINK], [LINK]),
        ([LINK, OTHER], [LINK, OTHER]),
        (LINK, [LINK]),
        (json.dumps([LINK, OTHER]), [LINK, OTHER]),
        (f"[{LINK}]", [LINK]),
        (f"[{LINK}, {OTHER}]", [LINK, OTHER]),
        (f"[{LINK},{OTHER}]", [LINK, OTHER]),
    ],
)
def test_the_links_of_veo_are_a_list_or_a_string(links: JsonValue, expected: list[str]) -> None:
    assert veo_state(successFlag=1, response={"resultUrls": links}) == RemoteState(
        RemoteStatus.SUCCEEDED, result_urls=expected
    )


@pytest.mark.parametrize(
    "response", [None, {}, {"resultUrls": None}, {"resultUrls": []}, {"resultUrls": ""}, {"resultUrls": "[]"}]
)
def test_veo_without_links_is_a_failure(response: JsonValue) -> None:
    state = veo_state(successFlag=1, response=response)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize("links", [[1], ["javascript:1"], "javascript:1", "[" * 100_000, '{"a":1}', "7"])
def test_a_result_of_veo_without_a_link_fails_at_once(links: JsonValue) -> None:
    state = veo_state(successFlag=1, response={"resultUrls": links})
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize("flag", ["1", 1, 1.0, "success"])
def test_a_flag_of_veo_in_another_form(flag: JsonValue) -> None:
    assert veo_state(successFlag=flag, response={"resultUrls": [LINK]}).status is RemoteStatus.SUCCEEDED


@pytest.mark.parametrize("flag", [2, 3])
def test_the_two_failure_flags_of_veo(flag: int) -> None:
    state = veo_state(successFlag=flag, errorCode=400, errorMessage="No")
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_REJECTED)
    assert state.error_message == "kie could not generate it (code 400): No"
    state = veo_state(successFlag=flag, errorCode=501, errorMessage="")
    assert (state.error_code, state.error_message) == (
        ErrorCode.PROVIDER_FAILED,
        "kie could not generate it (code 501): the envelope's text",
    )


def test_veo_runs_until_it_ends() -> None:
    assert veo_state(successFlag=0, response=None, errorCode=None, errorMessage="") == RemoteState(RemoteStatus.RUNNING)


def test_the_states_of_runway() -> None:
    assert runway_state(state="wait") == RemoteState(RemoteStatus.QUEUED)
    assert runway_state(state="queueing") == RemoteState(RemoteStatus.QUEUED)
    assert runway_state(state="generating", videoInfo={"videoUrl": ""}) == RemoteState(RemoteStatus.RUNNING)
    assert runway_state(state="success", videoInfo={"videoUrl": LINK}, expireFlag=0) == RemoteState(
        RemoteStatus.SUCCEEDED, result_urls=[LINK]
    )
    failed = runway_state(state="fail", failCode=400, failMsg="No")
    assert (failed.status, failed.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_REJECTED)
    assert failed.error_message == "kie could not generate it (code 400): No"


@pytest.mark.parametrize("video", [None, {}, {"videoUrl": None}, {"videoUrl": ""}])
def test_runway_without_a_link_is_a_failure(video: JsonValue) -> None:
    state = runway_state(state="success", videoInfo=video)
    assert state.error_message == "kie reported success without a result"


def test_a_video_that_kie_has_deleted_is_a_failure() -> None:
    state = runway_state(state="success", videoInfo={"videoUrl": LINK}, expireFlag=1)
    assert (state.status, state.error_message) == (RemoteStatus.FAILED, "kie does not keep the result any longer")


@pytest.mark.parametrize(
    ("model", "code", "record"),
    [
        ("veo/veo3", 422, {"successFlag": 3, "errorCode": 422, "errorMessage": "It went wrong"}),
        ("runway/generate", 400, {"state": "fail", "failCode": 422, "failMsg": "It went wrong"}),
    ],
)
def test_a_failed_task_can_have_the_code_of_its_callback(model: str, code: int, record: dict[str, object]) -> None:
    reply = {"code": code, "msg": "failed", "data": {"taskId": "task_1", **record}}
    state = account(reply).poll(RemoteRef("task_1", model))
    assert state.error_message == "kie could not generate it (code 422): It went wrong"


@pytest.mark.parametrize("model", ["veo/veo3", "runway/generate"])
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"code": 422, "msg": "record is null", "data": None}, ProviderRejected),
        ({"code": 500, "msg": "error", "data": None}, ProviderUnavailable),
        ({"code": 500, "msg": "error", "data": {}}, ProviderUnavailable),
        ({"code": 200, "msg": "success", "data": None}, ProviderBadResponse),
        ({"code": 7, "data": None}, ProviderBadResponse),
    ],
)
def test_a_read_without_a_usable_record(model: str, reply: object, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        account(reply).poll(RemoteRef("task_1", model))
    assert type(caught.value) is expected
