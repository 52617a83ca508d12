import json
import time

import httpx
import jwt
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from sandbox.standard_webhooks import sign
from tests.sandbox.harness import KEY, WEBHOOK_SECRET, Kie, Kling, KlingLegacy, Receiver

PAIR = SandboxConfig.kling_secret_key


def error(answer: httpx.Response) -> tuple[int, int, str]:
    """HTTP status, Kling's code and its text. An error has no data."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    return answer.status_code, body["code"], body["message"]


def misbehave(sandbox: SandboxClient, legacy: KlingLegacy, **fields: object) -> None:
    match = Match(prompt_contains=legacy.word)
    sandbox.add_scenario(Scenario.model_validate({"match": match, **fields}))


def token(*, iss: str = KEY, key: str = PAIR, begins: float = -5, ends: float = 1800) -> str:
    now = time.time()
    return jwt.encode({"iss": iss, "exp": int(now + ends), "nbf": int(now + begins)}, key, algorithm="HS256")


def test_video_from_create_to_file(legacy: KlingLegacy) -> None:
    answer = legacy.post(mode="pro", sound="on", aspect_ratio="9:16", external_task_id="ours-1")
    accepted = answer.json()["data"]
    task = legacy.finish(accepted["task_id"])

    assert set(accepted) == {"task_id", "task_status", "task_info", "created_at", "updated_at"}
    assert (accepted["task_status"], accepted["task_info"]) == ("submitted", {"external_task_id": "ours-1"})
    assert (task["task_id"], task["task_status"], task["task_status_msg"]) == (accepted["task_id"], "succeed", "")
    assert task["final_unit_deduction"] == "5"
    (video,) = task["task_result"]["videos"]
    assert (video["duration"], video["watermark_url"]) == ("5", "")
    assert b"mp4a" in legacy.http.get(video["url"]).content


def test_video_from_pictures(kie: Kie, legacy: KlingLegacy) -> None:
    picture = kie.result_url(kie.create("google/nano-banana", {"aspect_ratio": "9:16"}))
    create: dict[str, JsonValue] = {"model_name": "kling-v3", "duration": "3", "image": picture, "image_tail": picture}
    task = legacy.finish(legacy.create("image2video", **create), "image2video")

    (video,) = task["task_result"]["videos"]
    assert legacy.http.get(video["url"]).content[4:8] == b"ftyp"


def test_task_is_found_by_either_id_only_with_its_own_kind(kling: Kling, legacy: KlingLegacy) -> None:
    task_id = legacy.create(external_task_id="ours-1")
    for name in (task_id, "ours-1"):
        assert legacy.read(name).json()["data"]["task_id"] == task_id
        assert error(legacy.read(name, "image2video")) == (400, 1201, "Task not found")
    assert error(legacy.read(kling.create())) == (400, 1201, "Task not found")


def test_duplicate_external_id_is_refused(legacy: KlingLegacy) -> None:
    legacy.create(external_task_id="ours-1")
    again = legacy.post("text2video", external_task_id="ours-1")
    assert error(again) == (400, 1201, "external_task_id ours-1 already exists")


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, 1001),
        ("Bearer wrong", 1002),
        (KEY, 1002),
        (f"Bearer {token(iss='another')}", 1002),
        (f"Bearer {token(key='another secret key, as long as it has to be')}", 1002),
        ("Bearer a.b.c", 1002),
        (f"Bearer {token(begins=3600, ends=7200)}", 1003),
        (f"Bearer {token(begins=-7200, ends=-3600)}", 1004),
    ],
)
def test_wrong_key_is_401_on_every_path(legacy: KlingLegacy, authorization: str | None, code: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(base_url=legacy.http.base_url, headers=headers, trust_env=False) as stranger:
        answers = [
            stranger.post("/kling_legacy/v1/videos/text2video", json={"prompt": legacy.word}),
            stranger.get("/kling_legacy/v1/videos/text2video/x"),
            stranger.get("/kling_legacy/elsewhere"),
        ]
    assert [error(answer)[:2] for answer in answers] == [(401, code)] * 3


def test_token_of_the_key_pair_works_only_in_this_dialect(kling: Kling, legacy: KlingLegacy) -> None:
    headers = {"Authorization": f"Bearer {token()}"}
    with httpx.Client(base_url=legacy.http.base_url, headers=headers, trust_env=False) as customer:
        assert KlingLegacy(customer, legacy.word).post().status_code == 200
        assert error(Kling(customer, kling.word).post_text())[:2] == (401, 1002)


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_body_that_is_not_a_json_object_is_1200(legacy: KlingLegacy, body: bytes) -> None:
    assert error(legacy.http.post("/kling_legacy/v1/videos/text2video", content=body))[:2] == (400, 1200)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "v1/videos/video-extend"),
        ("POST", "text-to-video/kling-3.0"),
        ("GET", "tasks"),
        ("DELETE", "v1/videos/text2video/x"),
    ],
)
def test_other_paths_and_methods_are_404(legacy: KlingLegacy, method: str, path: str) -> None:
    answer = legacy.http.request(method, f"/kling_legacy/{path}", json={"prompt": legacy.word})
    assert error(answer)[:2] == (404, 1203)


IMAGE: dict[str, JsonValue] = {"image": "https://x.example/1.png"}
TAIL: dict[str, JsonValue] = {**IMAGE, "image_tail": "https://x.example/2.png"}


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        ("text2video", {"model_name": "kling-v1-6"}, "model_name: Input should be 'kling-v3', "),
        ("text2video", {"prompt": "x" * 2501}, "prompt: String should have at most 2500 characters"),
        ("text2video", {"negative_prompt": "x" * 2501}, "negative_prompt: String should have at most 2500 characters"),
        ("text2video", {"duration": 5}, "duration: Input should be a valid string"),
        ("text2video", {"duration": "7"}, ": Value error, kling-v2-6 takes durations of 5, 10"),
        ("text2video", {"model_name": "kling-v3", "duration": "16"}, ": Value error, kling-v3 takes durations of 3, 4"),
        ("text2video", {"mode": "1080p"}, "mode: Input should be 'std', 'pro' or '4k'"),
        ("text2video", {"mode": "4k"}, ": Value error, kling-v2-6 has no mode 4k"),
        ("text2video", {"sound": True}, "sound: Input should be 'on' or 'off'"),
        ("text2video", {"sound": "on"}, ": Value error, kling-v2-6 has no sound in mode std"),
        ("text2video", {"model_name": "kling-v2-5-turbo", "sound": "off"}, ": Value error, kling-v2-5-turbo takes no"),
        ("text2video", {"aspect_ratio": "4:3"}, "aspect_ratio: Input should be '16:9'"),
        ("text2video", {"cfg_scale": 0.5}, "cfg_scale: Extra inputs are not permitted"),
        ("text2video", {"settings": {}}, "settings: Extra inputs are not permitted"),
        ("text2video", IMAGE, "image: Extra inputs are not permitted"),
        ("image2video", {}, "image: Field required"),
        ("image2video", {"image": "data:image/png;base64,AAAA"}, "image: Value error, should be an http or https URL"),
        ("image2video", {**IMAGE, "aspect_ratio": "1:1"}, "aspect_ratio: Extra inputs are not permitted"),
        ("image2video", TAIL, ": Value error, kling-v2-6 takes an image_tail in mode pro only"),
        ("image2video", {**TAIL, "mode": "pro", "sound": "on"}, ": Value error, kling-v2-6 makes no sound with an"),
    ],
)
def test_wrong_body_is_1201_with_a_helpful_text_and_not_accepted(
    legacy: KlingLegacy, sandbox: SandboxClient, kind: str, fields: dict[str, JsonValue], text: str
) -> None:
    status, code, message = error(legacy.post(kind, **fields))
    assert (status, code) == (400, 1201)
    assert message.startswith(text)
    assert sandbox.tasks("a boat") == []


def test_unreachable_picture_is_1201(legacy: KlingLegacy, sandbox: SandboxClient) -> None:
    url = f"{legacy.http.base_url}/files/nothing.png"
    assert error(legacy.post("image2video", image=url))[1:] == (1201, f"Failed to fetch the image {url}: HTTP 404")
    assert sandbox.tasks(legacy.word) == []


@pytest.mark.parametrize(("code", "status"), [(1102, 429), (1301, 400), (5000, 500)])
def test_creates_and_reads_fail_as_the_scenario_says(
    legacy: KlingLegacy, sandbox: SandboxClient, code: int, status: int
) -> None:
    refusal = ErrorReply(code=code, msg="no")
    misbehave(sandbox, legacy, create_error=refusal, poll_error=refusal)
    assert error(legacy.post()) == (status, code, "no")
    task_id = legacy.create()
    assert error(legacy.read(task_id)) == (status, code, "no")
    assert legacy.read(task_id).status_code == 200


def test_failed_generation_says_why_and_costs_nothing(legacy: KlingLegacy, sandbox: SandboxClient) -> None:
    misbehave(sandbox, legacy, outcome="fail", fail_msg="Risk control")
    task = legacy.finish(legacy.create())
    assert (task["task_status"], task["task_status_msg"]) == ("failed", "Risk control")
    assert "task_result" not in task
    assert "final_unit_deduction" not in task


def test_callbacks_carry_the_task_in_this_dialect_and_are_signed(
    legacy: KlingLegacy, sandbox: SandboxClient, receiver: Receiver
) -> None:
    misbehave(sandbox, legacy, callback="forged", seconds=1, delivered=Delivered(width=64, height=64))
    task_id = legacy.create(callback_url=receiver.url)
    callbacks = {callback.body: callback.headers for callback in receiver.wait_for(3)}

    told = {body: json.loads(body)["task_status"] for body in callbacks}
    assert sorted(told.values()) == ["processing", "succeed", "succeed"]
    signed = {
        body: headers["webhook-signature"]
        == sign(WEBHOOK_SECRET, headers["webhook-id"], headers["webhook-timestamp"], body)
        for body, headers in callbacks.items()
    }
    assert sorted(signed.values()) == [False, True, True]
    (true_end,) = [body for body, status in told.items() if status == "succeed" and signed[body]]
    assert json.loads(true_end) == legacy.finish(task_id)
    (forged,) = [body for body in told if not signed[body]]
    assert legacy.http.get(json.loads(forged)["task_result"]["videos"][0]["url"]).status_code == 404
