import json

import httpx
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from tests.sandbox.harness import Kie, eventually

NANO_BANANA = "google/nano-banana"
TEXT_TO_VIDEO = "kling-2.6/text-to-video"
IMAGE_TO_VIDEO = "kling-2.6/image-to-video"
SHORT_VIDEO: dict[str, JsonValue] = {"sound": False, "duration": "5"}


def error(answer: httpx.Response) -> tuple[int, int, object]:
    """HTTP status, Kie's code, and data."""
    body = answer.json()
    return answer.status_code, body["code"], body["data"]


def test_image_from_create_to_file(kie: Kie) -> None:
    fields: dict[str, JsonValue] = {"aspect_ratio": "16:9", "output_format": "png"}
    task_id = kie.create(NANO_BANANA, fields)
    record = kie.finish(task_id)

    assert (record["taskId"], record["model"], record["state"]) == (task_id, NANO_BANANA, "success")
    assert (record["failCode"], record["failMsg"], record["creditsConsumed"]) == (None, None, 4)
    assert isinstance(record["param"], str)
    assert json.loads(record["param"]) == {"model": NANO_BANANA, "input": {"prompt": f"a boat {kie.word}", **fields}}
    assert isinstance(record["createTime"], int)
    assert record["createTime"] > 1_600_000_000_000
    assert record["updateTime"] == record["completeTime"]
    assert isinstance(record["completeTime"], int)
    assert record["costTime"] == record["completeTime"] - record["createTime"]
    assert record["costTime"] >= 100
    assert isinstance(record["resultJson"], str)
    (url,) = json.loads(record["resultJson"])["resultUrls"]
    file = kie.http.get(url)
    assert (file.status_code, file.headers["Content-Type"]) == (200, "image/png")
    assert file.content.startswith(b"\x89PNG\r\n\x1a\n")


def test_open_task_has_no_result(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), seconds=3600))
    record = kie.read(kie.create()).json()["data"]

    assert (record["state"], record["resultJson"]) == ("waiting", "")
    assert (record["completeTime"], record["costTime"]) == (None, None)


def test_states_follow_each_other(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(
        Scenario(match=Match(prompt_contains=kie.word), seconds=1, delivered=Delivered(width=64, height=64))
    )
    task_id = kie.create()
    states: dict[str, None] = {}

    def note_state() -> bool:
        states[kie.read(task_id).json()["data"]["state"]] = None
        return "success" in states

    eventually(note_state)
    # A slow machine may miss a state. The order of the seen states is fixed.
    assert list(states) == [state for state in ("waiting", "queuing", "generating", "success") if state in states]


def test_video_with_sound_from_an_image(kie: Kie) -> None:
    image = kie.result_url(kie.create(NANO_BANANA, {"aspect_ratio": "9:16", "output_format": "jpeg"}))
    task_id = kie.create(IMAGE_TO_VIDEO, {"image_urls": [image], "sound": True, "duration": "5"})
    file = kie.http.get(kie.result_url(task_id))

    assert file.headers["Content-Type"] == "video/mp4"
    assert file.content[4:8] == b"ftyp"
    assert b"mp4a" in file.content
    assert kie.finish(task_id)["creditsConsumed"] == 110


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "test-api-key"])
def test_wrong_key_is_401_inside_http_200(kie: Kie, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(base_url=kie.http.base_url, headers=headers, trust_env=False) as stranger:
        answers = [
            stranger.post("/kie/api/v1/jobs/createTask", json={"model": NANO_BANANA, "input": {"prompt": kie.word}}),
            stranger.get("/kie/api/v1/jobs/recordInfo", params={"taskId": "x"}),
            stranger.post("/kie/api/v1/common/download-url", json={"url": "x"}),
            stranger.get("/kie/api/v1/chat/credit"),
        ]

    assert [error(answer) for answer in answers] == [(200, 401, None)] * 4


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"'])
def test_body_that_is_not_a_json_object_is_400(kie: Kie, body: bytes) -> None:
    assert error(kie.http.post("/kie/api/v1/jobs/createTask", content=body)) == (200, 400, None)


def test_missing_or_paused_model_is_500(kie: Kie) -> None:
    missing = kie.http.post("/kie/api/v1/jobs/createTask", json={"input": {"prompt": kie.word}})
    paused = kie.post_task("sora-2-text-to-video", {"n_frames": "10", "aspect_ratio": "landscape"})

    assert (error(missing), missing.json()["msg"]) == (
        (200, 500, None),
        "The model field is missing from the request body",
    )
    assert (error(paused), paused.json()["msg"]) == (
        (200, 500, None),
        "The model sora-2-text-to-video is temporarily paused",
    )


def test_invalid_input_is_422_and_not_accepted_or_charged(kie: Kie, sandbox: SandboxClient) -> None:
    before = kie.http.get("/kie/api/v1/chat/credit").json()["data"]
    answer = kie.post_task(TEXT_TO_VIDEO, {"sound": False, "duration": "7"})

    assert (error(answer), answer.json()["msg"]) == ((200, 422, None), "input.duration: Input should be '5' or '10'")
    assert sandbox.tasks(kie.word) == []
    assert sandbox.requests(kie.word).refused_by_code == {422: 1}
    assert kie.http.get("/kie/api/v1/chat/credit").json()["data"] == before


def test_invalid_callback_url_is_422(kie: Kie) -> None:
    answer = kie.post_task(NANO_BANANA, call_back_url="gateway.example/callbacks")

    assert (error(answer), answer.json()["msg"]) == (
        (200, 422, None),
        "callBackUrl: Value error, should be an http or https URL",
    )


@pytest.mark.parametrize("path", ["/files/nothing.png", "/docs"])
def test_unreachable_image_is_451_and_not_charged(kie: Kie, sandbox: SandboxClient, path: str) -> None:
    before = kie.http.get("/kie/api/v1/chat/credit").json()["data"]
    url = f"{str(kie.http.base_url).rstrip('/')}{path}"
    answer = kie.post_task(IMAGE_TO_VIDEO, {**SHORT_VIDEO, "image_urls": [url]})

    assert error(answer) == (200, 451, None)
    assert answer.json()["msg"].startswith(f"Failed to fetch the image {url}: ")
    assert sandbox.tasks(kie.word) == []
    assert kie.http.get("/kie/api/v1/chat/credit").json()["data"] == before


def test_price_is_charged_at_submission(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.set_limits(credits_=60)
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), seconds=3600))
    kie.create(TEXT_TO_VIDEO, SHORT_VIDEO)
    assert kie.http.get("/kie/api/v1/chat/credit").json() == {"code": 200, "msg": "success", "data": 5}

    refused = kie.post_task(TEXT_TO_VIDEO, SHORT_VIDEO)

    assert error(refused) == (200, 402, None)
    assert refused.json()["msg"] == "Credits insufficient: this task needs 55, the account has 5"
    assert len(sandbox.tasks(kie.word)) == 1


def test_21st_create_in_ten_seconds_is_429_and_not_queued(kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.reset()
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), seconds=3600))
    codes = [kie.post_task(NANO_BANANA).json()["code"] for _ in range(21)]

    assert codes == [200] * 20 + [429]
    assert len(sandbox.tasks(kie.word)) == 20
    assert sandbox.requests(kie.word).refused_by_code == {429: 1}


def test_status_reads_beyond_the_limit_are_429(kie: Kie, sandbox: SandboxClient) -> None:
    task_id = kie.create()
    sandbox.set_limits(reads_per_second=0)

    assert error(kie.read(task_id)) == (200, 429, None)
    assert sandbox.tasks(kie.word)[0].polls == 0


def test_unknown_and_missing_task_ids_are_refused(kie: Kie) -> None:
    assert error(kie.read("no-such-task")) == (200, 404, None)
    assert error(kie.http.get("/kie/api/v1/jobs/recordInfo")) == (200, 422, None)


def test_download_link_is_made_only_for_the_vendors_own_files(kie: Kie) -> None:
    url = kie.result_url(kie.create())
    minted = kie.http.post("/kie/api/v1/common/download-url", json={"url": url}).json()
    gone = url.replace(".png", "x.png")
    refused = [
        kie.http.post("/kie/api/v1/common/download-url", json={"url": wrong})
        for wrong in ("https://other.example/files/a.png", gone, "http://[", None)
    ]

    assert minted["code"] == 200
    assert minted["data"].startswith(f"{url}?expires=")
    assert kie.http.get(minted["data"]).content == kie.http.get(url).content
    assert [error(answer) for answer in refused] == [(200, 422, None)] * 4


def test_expired_link_is_403(kie: Kie) -> None:
    assert kie.http.get(f"{kie.result_url(kie.create())}?expires=1").status_code == 403
