"""The sandbox answers as OpenAI's client expects."""

import io
from typing import Any

import av
import httpx
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.media import MediaSpec
from sandbox.openai_errors import OpenAIError
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from sandbox.vendors.openai_videos.models import read_create
from tests.sandbox.harness import KEY, Kie, OpenAIVideos, eventually

_SMALL = Delivered(width=64, height=64, duration_seconds=1)


@pytest.fixture(autouse=True)
def _small_files(sandbox: SandboxClient, word: str) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=word), delivered=_SMALL))


def problem(answer: httpx.Response) -> tuple[int, str, str, str | None, str | None]:
    """The HTTP status, and the content of the envelope."""
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["type"], error["message"], error["param"], error["code"]


def test_form_gives_a_video(videos: OpenAIVideos, sandbox: SandboxClient) -> None:
    created = videos.post(model="sora-2-pro", seconds="8", size="1920x1080")
    assert created.status_code == 200
    video = created.json()
    assert video["id"].startswith("video_")
    assert video == {
        "id": video["id"],
        "object": "video",
        "model": "sora-2-pro",
        "status": "queued",
        "progress": 0,
        "prompt": f"a boat {videos.word}",
        "seconds": "8",
        "size": "1920x1080",
        "created_at": video["created_at"],
        "completed_at": None,
        "expires_at": None,
        "remixed_from_video_id": None,
        "error": None,
    }

    done = videos.finish(video["id"])
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert done["completed_at"]
    content = videos.content(video["id"])
    assert content.headers["Content-Type"] == "video/mp4"
    with av.open(io.BytesIO(content.content)) as file:
        assert (file.streams.video[0].width, len(file.streams.audio)) == (64, 1)
    assert sandbox.requests(videos.word).accepted == 1


def test_json_create_works_and_omitted_fields_have_defaults(videos: OpenAIVideos) -> None:
    video = videos.http.post("/openai_videos/videos", json={"prompt": videos.word}).json()
    assert (video["model"], video["seconds"], video["size"]) == ("sora-2", "4", "720x1280")


@pytest.mark.parametrize("as_form", [True, False])
def test_picture_is_read_before_the_video_is_accepted(
    videos: OpenAIVideos, kie: Kie, sandbox: SandboxClient, as_form: bool
) -> None:
    url = kie.result_url(kie.create())
    if as_form:
        answer = videos.post(kie.http.get(url).content)
        refused = videos.post(b"no picture")
    else:
        body: dict[str, JsonValue] = {"prompt": videos.word, "input_reference": {"image_url": url}}
        answer = videos.http.post("/openai_videos/videos", json=body)
        refused = videos.http.post("/openai_videos/videos", json={**body, "input_reference": {"image_url": f"{url}x"}})
    assert answer.status_code == 200, answer.text
    assert videos.finish(answer.json()["id"])["status"] == "completed"
    assert problem(refused)[0::3] == (400, "input_reference")


def test_video_is_queued_then_in_progress(videos: OpenAIVideos, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=videos.word), seconds=1, delivered=_SMALL))
    video_id = videos.create()
    seen: list[tuple[str, int]] = []

    def is_done() -> bool:
        video = videos.read(video_id).json()
        seen.append((video["status"], video["progress"]))
        return seen[-1][0] == "completed"

    eventually(is_done)
    states = list(dict.fromkeys(status for status, _ in seen))
    # A slow machine may miss a state. The order of the seen states is fixed, and progress never falls.
    assert states == [status for status in ("queued", "in_progress", "completed") if status in states]
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)


def test_failed_video_has_its_error(videos: OpenAIVideos, sandbox: SandboxClient) -> None:
    failing = Scenario(
        match=Match(prompt_contains=videos.word), outcome="fail", fail_code="moderation_blocked", fail_msg="Blocked"
    )
    sandbox.add_scenario(failing)
    video_id = videos.create()
    done = videos.finish(video_id)
    assert (done["status"], done["completed_at"]) == ("failed", None)
    assert done["error"] == {"code": "moderation_blocked", "message": "Blocked"}
    assert problem(videos.content(video_id))[:2] == (404, "invalid_request_error")


def test_unknown_state_word_stays(videos: OpenAIVideos, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(
        Scenario(match=Match(prompt_contains=videos.word), seconds=0, state_word="paused", delivered=_SMALL)
    )
    video_id = videos.create()
    eventually(lambda: sandbox.tasks(videos.word)[0].completed_at is not None)
    assert videos.read(video_id).json()["status"] == "paused"


def test_content_exists_after_the_end_and_only_as_a_video(videos: OpenAIVideos, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=videos.word), seconds=3600))
    assert problem(videos.content(videos.create()))[0] == 404
    assert problem(videos.content(videos.create(), variant="thumbnail"))[0::3] == (400, "variant")


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", KEY])
def test_wrong_key_is_401(videos: OpenAIVideos, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(base_url=videos.http.base_url, headers=headers, trust_env=False) as http:
        stranger = OpenAIVideos(http, videos.word)
        answers = [stranger.post(), stranger.read("video_1"), stranger.content("video_1"), stranger.list()]
    assert [(problem(answer)[0], problem(answer)[4]) for answer in answers] == [(401, "invalid_api_key")] * 4


def test_videos_are_listed_in_pages_newest_first(videos: OpenAIVideos, kie: Kie, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=videos.word), seconds=3600))
    kie.create()  # another vendor's task, absent from the list
    first, second, third = (videos.create() for _ in range(3))

    def page(**query: str) -> tuple[list[str], str | None, bool]:
        answer = videos.list(**query).json()
        assert answer["object"] == "list"
        ids = [video["id"] for video in answer["data"]]
        assert (answer["first_id"], answer["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
        return ids, answer["last_id"], answer["has_more"]

    assert page() == ([third, second, first], first, False)
    assert page(limit="1") == ([third], third, True)
    assert page(limit="2", after=third) == ([second, first], first, False)
    assert page(order="asc", after=third) == ([], None, False)
    assert problem(videos.list(after="video_1"))[0] == 404


def test_unknown_videos_are_404(videos: OpenAIVideos, kie: Kie) -> None:
    # A task of another vendor is not a video of this one.
    for video_id in ("video_1", kie.create()):
        assert problem(videos.read(video_id))[:2] == (404, "invalid_request_error")
        assert problem(videos.content(video_id))[0] == 404


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/x-www-form-urlencoded", b"prompt=boat"),
        ("multipart/form-data", b"prompt=boat"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nboat\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b""),
    ],
)
def test_unreadable_body_is_400(videos: OpenAIVideos, content_type: str, body: bytes) -> None:
    answer = videos.http.post("/openai_videos/videos", content=body, headers={"Content-Type": content_type})
    assert problem(answer)[:2] == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({}, 400, "prompt"),
        ({"prompt": ""}, 400, "prompt"),
        ({"prompt": "x", "seconds": 4}, 400, "seconds"),
        ({"prompt": "x", "seconds": "5"}, 400, "seconds"),
        ({"prompt": "x", "size": "1920x1080"}, 400, "size"),
        ({"prompt": "x", "model": "sora-3"}, 400, "model"),
        ({"prompt": "x", "seed": 1}, 400, "seed"),
        ({"prompt": "x", "input_reference": {"image_url": "boat.png"}}, 400, "input_reference"),
        ({"prompt": "x", "input_reference": {"file_id": "file_1"}}, 404, "input_reference"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], code: int, param: str) -> None:
    with pytest.raises(OpenAIError) as refusal:
        read_create(fields)
    assert (refusal.value.code, refusal.value.param) == (code, param)


def test_unknown_file_in_a_form_is_refused_and_counted(videos: OpenAIVideos, sandbox: SandboxClient) -> None:
    answer = videos.post(seed="1")
    assert problem(answer)[0::3] == (400, "seed")
    assert sandbox.requests(videos.word).refused_by_code == {400: 1}
    with_file = videos.http.post("/openai_videos/videos", files={"mask": ("mask.png", b"x")})
    assert problem(with_file)[0::3] == (400, "mask")


def test_video_has_sound_and_the_requested_size() -> None:
    spec = read_create({"prompt": "x", "seconds": "12", "size": "1792x1024"}).spec()
    assert spec == MediaSpec(format="mp4", width=1792, height=1024, duration_seconds=12, frame_rate=30, sound=True)


def test_creates_and_reads_fail_as_the_scenario_says(videos: OpenAIVideos, sandbox: SandboxClient) -> None:
    error = ErrorReply(code=429, msg="Rate limit reached", retry_after=3)
    sandbox.add_scenario(
        Scenario(match=Match(prompt_contains=videos.word), create_error=error, poll_error=ErrorReply(code=503, msg="x"))
    )
    refused = videos.post()
    assert problem(refused)[:3] == (429, "rate_limit_error", "Rate limit reached")
    assert (refused.headers["Retry-After"], refused.headers["Retry-After-Ms"]) == ("3", "3000")
    video_id = videos.create()
    assert problem(videos.read(video_id))[:2] == (503, "server_error")
    assert videos.read(video_id).status_code == 200


def test_create_with_a_lost_reply_was_accepted(videos: OpenAIVideos, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=videos.word), create_reply="drop", delivered=_SMALL))
    with pytest.raises(httpx.RemoteProtocolError):
        videos.post()
    assert sandbox.requests(videos.word).accepted == 1
