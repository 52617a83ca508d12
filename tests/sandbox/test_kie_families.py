"""Veo and Runway at Kie: the sandbox answers as Kie's pages say."""

import json
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from sandbox.vendors.kie.callbacks import sign
from sandbox.vendors.kie.errors import KieError
from sandbox.vendors.kie.inputs import KieInput, read_as
from sandbox.vendors.kie.runway import RunwayInput
from sandbox.vendors.kie.veo import VeoInput
from tests.sandbox.harness import WEBHOOK_SECRET, Kie, Receiver, eventually

IMAGE = "https://images.example/a.png"
RUNWAY: dict[str, JsonValue] = {"duration": 5, "quality": "720p", "aspectRatio": "16:9"}
TINY = Delivered(width=64, height=64, duration_seconds=0.5)
STATUS = {"veo": "record-info", "runway": "record-detail"}


def post(kie: Kie, family: str, **fields: JsonValue) -> httpx.Response:
    """The create of a video; the simplest by default."""
    body = {"prompt": f"a boat {kie.word}", **(RUNWAY if family == "runway" else {}), **fields}
    return kie.http.post(f"/kie/api/v1/{family}/generate", json=body)


def create(kie: Kie, family: str, **fields: JsonValue) -> str:
    answer = post(kie, family, **fields).json()
    assert (answer["code"], answer["msg"]) == (200, "success")
    task_id: str = answer["data"]["taskId"]
    return task_id


def read(kie: Kie, family: str, task_id: str) -> httpx.Response:
    return kie.http.get(f"/kie/api/v1/{family}/{STATUS[family]}", params={"taskId": task_id})


def is_open(record: dict[str, Any]) -> bool:
    return record.get("successFlag") == 0 or record.get("state") in {"wait", "queueing", "generating"}


def finish(kie: Kie, family: str, task_id: str) -> dict[str, Any]:
    """Read the task until it ends, and return its record."""
    eventually(lambda: not is_open(read(kie, family, task_id).json()["data"]))
    record: dict[str, Any] = read(kie, family, task_id).json()["data"]
    return record


def misbehave(sandbox: SandboxClient, kie: Kie, **fields: Any) -> None:
    sandbox.add_scenario(
        Scenario.model_validate({"match": Match(prompt_contains=kie.word), "delivered": TINY, **fields})
    )


def error(answer: httpx.Response) -> tuple[int, int, object]:
    """HTTP status, Kie's code, and data."""
    body = answer.json()
    return answer.status_code, body["code"], body["data"]


def test_veo_from_create_to_file(kie: Kie, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kie)
    task_id = create(kie, "veo", model="veo3_lite", aspectRatio="9:16", resolution="1080p", duration=4)
    record = finish(kie, "veo", task_id)
    assert (record["taskId"], record["successFlag"], record["errorCode"], record["errorMessage"]) == (
        task_id,
        1,
        None,
        "",
    )
    assert json.loads(record["paramJson"])["model"] == "veo3_lite"
    assert (record["response"]["taskId"], record["response"]["resolution"]) == (task_id, "1080p")
    (link,) = record["response"]["resultUrls"]
    assert kie.http.get(link).headers["Content-Type"] == "video/mp4"
    assert len(record["createTime"]) == len(record["completeTime"]) == len("2025-06-06 10:25:00")


def test_runway_from_create_to_file(kie: Kie, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kie)
    task_id = create(kie, "runway")
    record = finish(kie, "runway", task_id)
    assert (record["taskId"], record["state"], record["failCode"], record["expireFlag"]) == (
        task_id,
        "success",
        None,
        0,
    )
    assert kie.http.get(record["videoInfo"]["videoUrl"]).headers["Content-Type"] == "video/mp4"


@pytest.mark.parametrize(("family", "open_states", "key"), [("veo", [0], "successFlag"), ("runway", ["wait"], "state")])
def test_open_task_has_no_result(
    kie: Kie, sandbox: SandboxClient, family: str, open_states: list[object], key: str
) -> None:
    misbehave(sandbox, kie, seconds=3600)
    record = read(kie, family, create(kie, family)).json()["data"]
    assert record[key] in open_states
    assert record.get("response") is None
    assert record.get("videoInfo") is None


@pytest.mark.parametrize(("fail_code", "flag"), [("400", 2), ("501", 3)])
def test_veo_has_two_codes_for_failures(kie: Kie, sandbox: SandboxClient, fail_code: str, flag: int) -> None:
    misbehave(sandbox, kie, outcome="fail", fail_code=fail_code, fail_msg="no")
    record = finish(kie, "veo", create(kie, "veo"))
    assert (record["successFlag"], record["errorCode"], record["errorMessage"]) == (flag, int(fail_code), "no")
    assert record["response"] is None


def test_runway_failure_has_its_code(kie: Kie, sandbox: SandboxClient) -> None:
    misbehave(sandbox, kie, outcome="fail", fail_code="400", fail_msg="no")
    record = finish(kie, "runway", create(kie, "runway"))
    assert (record["state"], record["failCode"], record["failMsg"], record["videoInfo"]) == ("fail", 400, "no", None)


def callback_of(kie: Kie, receiver: Receiver, task_id: str) -> dict[str, Any]:
    """The only callback of a task, after a check of Kie's signature."""
    (callback,) = receiver.wait_for(1)
    signature = sign(WEBHOOK_SECRET, task_id, callback.headers["x-webhook-timestamp"])
    assert callback.headers["x-webhook-signature"] == signature
    body: dict[str, Any] = json.loads(callback.body)
    return body


def test_veo_callback_has_links_in_a_string(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    misbehave(sandbox, kie)
    task_id = create(kie, "veo", callBackUrl=receiver.url)
    body = callback_of(kie, receiver, task_id)
    (link,) = finish(kie, "veo", task_id)["response"]["resultUrls"]
    assert (body["code"], body["data"]["taskId"]) == (200, task_id)
    assert body["data"]["info"] == {"resultUrls": f"[{link}]", "originUrls": None, "resolution": "720p"}


def test_runway_callback_is_in_snake_case(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    misbehave(sandbox, kie)
    task_id = create(kie, "runway", callBackUrl=receiver.url)
    body = callback_of(kie, receiver, task_id)
    link = finish(kie, "runway", task_id)["videoInfo"]["videoUrl"]
    assert body["code"] == 200
    assert body["data"] == {"task_id": task_id, "video_id": task_id, "video_url": link, "image_url": ""}


@pytest.mark.parametrize(
    ("family", "fail_code", "code"),
    [("veo", "422", 422), ("veo", "what?", 501), ("runway", "400", 400), ("runway", "422", 500)],
)
def test_failure_is_called_back_with_a_code_of_the_family(
    kie: Kie, sandbox: SandboxClient, receiver: Receiver, family: str, fail_code: str, code: int
) -> None:
    misbehave(sandbox, kie, outcome="fail", fail_code=fail_code, fail_msg="no")
    body = callback_of(kie, receiver, create(kie, family, callBackUrl=receiver.url))
    assert (body["code"], body["msg"]) == (code, "no")


@pytest.mark.parametrize("family", STATUS)
def test_each_family_sees_only_its_own_tasks(kie: Kie, family: str) -> None:
    market = kie.create()
    assert error(read(kie, family, market)) == (200, 404, None)
    assert error(read(kie, family, "")) == (200, 422, None)
    assert error(kie.read(create(kie, family))) == (200, 404, None)


@pytest.mark.parametrize("family", STATUS)
def test_both_families_use_the_markets_account(kie: Kie, sandbox: SandboxClient, family: str) -> None:
    sandbox.set_limits(credits_=1)
    assert error(post(kie, family)) == (200, 402, None)
    sandbox.set_limits(credits_=1000, reads_per_second=0)
    assert error(read(kie, family, create(kie, family))) == (200, 429, None)
    assert kie.http.get("/kie/api/v1/chat/credit").json()["data"] < 1000
    with httpx.Client(base_url=kie.http.base_url, trust_env=False) as stranger:
        assert error(stranger.post(f"/kie/api/v1/{family}/generate", json={})) == (200, 401, None)
        assert error(stranger.get(f"/kie/api/v1/{family}/{STATUS[family]}")) == (200, 401, None)


@pytest.mark.parametrize("family", STATUS)
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"callBackUrl": "gateway.example"}, "callBackUrl: Value error, should be an http or https URL"),
        ({"input": {}}, "input: Extra inputs are not permitted"),
        ({"prompt": ""}, "prompt: String should have at least 1 character"),
    ],
)
def test_wrong_create_is_422_and_not_accepted(
    kie: Kie, sandbox: SandboxClient, family: str, fields: dict[str, JsonValue], text: str
) -> None:
    answer = post(kie, family, **fields)
    assert (error(answer), answer.json()["msg"]) == ((200, 422, None), text)
    assert sandbox.tasks(kie.word) == []


def extend(kie: Kie, task_id: JsonValue, **fields: JsonValue) -> httpx.Response:
    body = {"taskId": task_id, "prompt": f"the boat sails on {kie.word}", **fields}
    return kie.http.post("/kie/api/v1/veo/extend", json=body)


def test_veo_extends_a_task(kie: Kie, sandbox: SandboxClient, receiver: Receiver) -> None:
    misbehave(sandbox, kie)
    first = create(kie, "veo", aspectRatio="9:16")
    finish(kie, "veo", first)
    before = kie.http.get("/kie/api/v1/chat/credit").json()["data"]
    answer = extend(kie, first, model="lite", seeds=12345, callBackUrl=receiver.url).json()
    assert (answer["code"], answer["msg"]) == (200, "success")
    assert before - kie.http.get("/kie/api/v1/chat/credit").json()["data"] == 30
    second = answer["data"]["taskId"]
    assert second != first
    (link,) = finish(kie, "veo", second)["response"]["resultUrls"]
    assert kie.http.get(link).headers["Content-Type"] == "video/mp4"
    assert callback_of(kie, receiver, second)["data"]["taskId"] == second


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"prompt": ""}, 422, "prompt: String should have at least 1 character"),
        ({"model": "veo3_fast"}, 422, "model: Input should be 'fast', 'quality' or 'lite'"),
        ({"seeds": 7}, 422, "seeds: Input should be greater than or equal to 10000"),
        ({"aspectRatio": "16:9"}, 422, "aspectRatio: Extra inputs are not permitted"),
        ({"taskId": ""}, 422, "taskId: String should have at least 1 character"),
        ({"taskId": "gone"}, 404, "The original video or task does not exist"),
    ],
)
def test_wrong_extension_is_refused(
    kie: Kie, sandbox: SandboxClient, fields: dict[str, JsonValue], code: int, text: str
) -> None:
    misbehave(sandbox, kie)
    task_id = create(kie, "veo")
    finish(kie, "veo", task_id)
    answer = extend(kie, task_id=fields.pop("taskId", task_id), **fields)
    assert (error(answer), answer.json()["msg"]) == ((200, code, None), text)


def test_extension_requires_a_task_that_can_be_extended(kie: Kie, sandbox: SandboxClient) -> None:
    market = kie.create()
    assert error(extend(kie, market)) == (200, 404, None)
    misbehave(sandbox, kie)
    large = create(kie, "veo", resolution="1080p")
    finish(kie, "veo", large)
    assert error(extend(kie, large)) == (200, 422, None)
    first = create(kie, "veo")
    finish(kie, "veo", first)
    second = extend(kie, first).json()["data"]["taskId"]
    finish(kie, "veo", second)
    assert error(extend(kie, second)) == (200, 422, None)
    misbehave(sandbox, kie, seconds=3600)
    assert error(extend(kie, create(kie, "veo"))) == (200, 422, None)
    with httpx.Client(base_url=kie.http.base_url, trust_env=False) as stranger:
        assert error(stranger.post("/kie/api/v1/veo/extend", json={})) == (200, 401, None)


VEO_WRONG: list[tuple[dict[str, JsonValue], str]] = [
    ({"model": "veo2"}, "model: Input should be 'veo3', 'veo3_fast' or 'veo3_lite'"),
    ({"aspect_ratio": "1:1"}, "aspect_ratio: Input should be '16:9', '9:16' or 'Auto'"),
    ({"aspectRatio": "1:1"}, "aspectRatio: Input should be '16:9', '9:16' or 'Auto'"),
    ({"resolution": "4K"}, "resolution: Input should be '720p', '1080p' or '4k'"),
    ({"duration": 5}, "duration: Input should be 4, 6 or 8"),
    ({"duration": "8"}, "duration: Input should be 4, 6 or 8"),
    ({"seeds": 7}, "seeds: Input should be greater than or equal to 10000"),
    ({"imageUrls": [IMAGE] * 4}, "imageUrls: List should have at most 3 items"),
    ({"imageUrls": [IMAGE] * 3}, ": Value error, imageUrls should be 2 at most, but for REFERENCE_2_VIDEO"),
    ({"generationType": "TEXT_2_VIDEO", "imageUrls": [IMAGE]}, ": Value error, TEXT_2_VIDEO takes no imageUrls"),
    ({"generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO"}, ": Value error, FIRST_AND_LAST_FRAMES_2_VIDEO needs "),
    ({"generationType": "REFERENCE_2_VIDEO"}, ": Value error, REFERENCE_2_VIDEO needs imageUrls"),
    (
        {"generationType": "REFERENCE_2_VIDEO", "imageUrls": [IMAGE], "model": "veo3"},
        ": Value error, REFERENCE_2_VIDEO supports veo3_fast and veo3_lite only",
    ),
    (
        {"generationType": "REFERENCE_2_VIDEO", "imageUrls": [IMAGE], "duration": 4},
        ": Value error, REFERENCE_2_VIDEO supports 8 s only",
    ),
]
RUNWAY_WRONG: list[tuple[dict[str, JsonValue], str]] = [
    ({"prompt": "x" * 1801}, "prompt: String should have at most 1800 characters"),
    ({"duration": 8}, "duration: Input should be 5, 10, '5' or '10'"),
    ({"quality": "4k"}, "quality: Input should be '720p' or '1080p'"),
    ({"quality": "1080p", "duration": 10}, ": Value error, a video of 10 s cannot be 1080p"),
    ({"aspectRatio": "21:9"}, "aspectRatio: Input should be '16:9', "),
    ({"aspectRatio": None}, ": Value error, aspectRatio is needed without imageUrl"),
    ({"model": "gen4"}, "model: Extra inputs are not permitted"),
    ({"imageUrl": "file:///etc/passwd"}, "imageUrl: Value error, should be an http or https URL"),
]


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        *((VeoInput, {"prompt": "a boat", **fields}, text) for fields, text in VEO_WRONG),
        *((RunwayInput, {"prompt": "a boat", **RUNWAY, **fields}, text) for fields, text in RUNWAY_WRONG),
    ],
)
def test_wrong_input_is_refused_with_a_helpful_text(
    kind: type[KieInput], fields: dict[str, JsonValue], text: str
) -> None:
    with pytest.raises(KieError) as refusal:
        read_as(kind, fields)
    assert refusal.value.code == 422
    assert refusal.value.msg.startswith(text)


@pytest.mark.parametrize(
    ("kind", "fields", "size", "seconds", "price"),
    [
        (VeoInput, {}, (1280, 720), 8, 60),
        (VeoInput, {"model": "veo3", "aspectRatio": "9:16", "resolution": "4k"}, (2160, 3840), 8, 370),
        (VeoInput, {"aspectRatio": "Auto", "duration": 4}, (1280, 720), 4, 60),
        (VeoInput, {"aspect_ratio": "9:16", "duration": 4}, (720, 1280), 4, 60),
        (VeoInput, {"aspect_ratio": "9:16", "aspectRatio": "16:9", "duration": 4}, (720, 1280), 4, 60),
        (RunwayInput, RUNWAY, (1280, 720), 5, 12),
        (RunwayInput, {**RUNWAY, "duration": "10", "aspectRatio": "3:4"}, (832, 1104), 10, 30),
        (RunwayInput, {**RUNWAY, "quality": "1080p", "aspectRatio": "9:16"}, (1080, 1920), 5, 30),
    ],
)
def test_delivered_size_and_price_match_the_input(
    kind: type[KieInput], fields: dict[str, JsonValue], size: tuple[int, int], seconds: int, price: int
) -> None:
    wanted = read_as(kind, {"prompt": "a boat", **fields})
    spec = wanted.spec(None)
    assert (spec.width, spec.height, spec.duration_seconds, wanted.credits()) == (*size, seconds, price)
