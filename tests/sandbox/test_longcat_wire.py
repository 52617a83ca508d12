import io
from typing import Any

import av
import httpx
import pytest
from pydantic import JsonValue

from sandbox.client import SandboxClient
from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from sandbox.vendors.longcat.errors import LongCatError
from sandbox.vendors.longcat.models import read_create
from tests.sandbox.harness import KEY, ROOT, Kie, LongCat, eventually

LONG = 3600
_SMALL = Delivered(width=64, height=64, duration_seconds=0.5)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The HTTP status, and the code in the body."""
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    return answer.status_code, body["error"]["code"]


def scenario(longcat: LongCat, sandbox: SandboxClient, **fields: object) -> None:
    match = Match(prompt_contains=longcat.word)
    sandbox.add_scenario(Scenario.model_validate({"match": match, "delivered": _SMALL, **fields}))


def test_create_gives_a_job_and_the_job_a_video(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox)
    created = longcat.post(reference="ref-1", seed=7, negative_prompt="blur")
    job = created.json()
    assert created.status_code == 202
    assert job == {"id": job["id"], "status": "queued", "progress": 0, "reference": "ref-1"}

    done = longcat.finish(job["id"])
    assert {**done, "video": None} == {**job, "status": "succeeded", "progress": 1, "video": None}
    assert set(done["video"]) == {"url"}
    with av.open(io.BytesIO(longcat.http.get(done["video"]["url"]).content)) as file:
        assert (file.streams.video[0].width, len(file.streams.audio)) == (64, 0)
    assert sandbox.requests(longcat.word).accepted == 1


def test_endpoint_without_jobs_answers_with_the_video(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox)
    answer = longcat.post("/at-once", reference="ref-1")
    body = answer.json()
    assert (answer.status_code, set(body), body["status"]) == (200, {"status", "video"}, "succeeded")
    assert longcat.http.get(body["video"]["url"]).headers["Content-Type"] == "video/mp4"
    assert problem(longcat.http.get("/longcat/at-once", params={"reference": "ref-1"}))[0] == 405


@pytest.mark.parametrize(
    ("fail_code", "told"),
    [("content_rejected", (422, "content_rejected")), ("out_of_memory", (500, "out_of_memory"))],
)
def test_failure_at_an_endpoint_without_jobs_is_an_error(
    longcat: LongCat, sandbox: SandboxClient, fail_code: str, told: tuple[int, str]
) -> None:
    scenario(longcat, sandbox, outcome="fail", fail_code=fail_code)
    assert problem(longcat.post("/at-once")) == told


def test_job_is_queued_then_runs(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox, seconds=1)
    job_id = longcat.create()
    seen: list[tuple[str, float]] = []

    def is_done() -> bool:
        job = longcat.read(job_id).json()
        seen.append((job["status"], job["progress"]))
        return seen[-1][0] == "succeeded"

    eventually(is_done)
    states = list(dict.fromkeys(status for status, _ in seen))
    # A slow machine may miss a state. The order of the seen states is fixed, and progress never falls.
    assert states == [status for status in ("queued", "running", "succeeded") if status in states]
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)


@pytest.mark.parametrize(("fail_code", "code"), [("out_of_memory", "out_of_memory"), ("500", "internal_error")])
def test_failed_job_has_its_error(longcat: LongCat, sandbox: SandboxClient, fail_code: str, code: str) -> None:
    scenario(longcat, sandbox, outcome="fail", fail_code=fail_code, fail_msg="It broke")
    done = longcat.finish(longcat.create())
    assert (done["status"], done["error"]) == ("failed", {"code": code, "message": "It broke"})
    assert "video" not in done


def test_unknown_state_word_stays_and_hides_the_video(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox, seconds=0, state_word="paused")
    job_id = longcat.create()
    eventually(lambda: sandbox.tasks(longcat.word)[0].completed_at is not None)
    job = longcat.read(job_id).json()
    assert (job["status"], "video" in job) == ("paused", False)


def test_success_may_have_no_video(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox, empty_result=True)
    assert longcat.finish(longcat.create())["video"] is None


def test_cancel_stops_the_work_at_once(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox, seconds=LONG)
    job_id = longcat.create()
    answer = longcat.cancel(job_id)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert longcat.read(job_id).json() == answer.json()


def test_finished_job_stays_as_it_is(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox)
    job_id = longcat.create()
    done = longcat.finish(job_id)
    assert longcat.cancel(job_id).json() == done


def test_job_is_found_by_its_reference(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox, seconds=LONG)
    job_id = longcat.create(reference="ref-1")
    longcat.create(reference="ref-2")
    (found,) = longcat.find("ref-1").json()["jobs"]
    assert (found["id"], found["reference"]) == (job_id, "ref-1")
    assert longcat.find("ref-3").json() == {"jobs": []}


def test_duplicate_reference_is_refused(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox, seconds=LONG)
    longcat.create(reference="ref-1")
    assert problem(longcat.post(reference="ref-1")) == (409, "reference_taken")
    assert len(sandbox.tasks(longcat.word)) == 1


@pytest.mark.parametrize("field", ["image_url", "video_url"])
def test_input_is_read_before_the_job_is_accepted(
    longcat: LongCat, kie: Kie, sandbox: SandboxClient, field: str
) -> None:
    scenario(longcat, sandbox)
    video: JsonValue = longcat.finish(longcat.create())["video"]["url"]
    url = kie.result_url(kie.create()) if field == "image_url" else video
    assert longcat.finish(longcat.create(**{field: url}))["status"] == "succeeded"
    assert problem(longcat.post(**{field: f"{url}x"})) == (422, "input_unreadable")


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", KEY])
def test_wrong_key_is_401(longcat: LongCat, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(base_url=longcat.http.base_url, headers=headers, trust_env=False) as http:
        stranger = LongCat(http, longcat.word)
        answers = [
            stranger.post(),
            stranger.post("/at-once"),
            stranger.read("job-1"),
            stranger.find("ref-1"),
            stranger.cancel("job-1"),
        ]
    assert [problem(answer) for answer in answers] == [(401, "unauthorized")] * 5


def test_unknown_jobs_are_404(longcat: LongCat, kie: Kie) -> None:
    # A task of another vendor is not a job of this one.
    for job_id in ("job-1", kie.create()):
        assert problem(longcat.read(job_id)) == (404, "not_found")
        assert problem(longcat.cancel(job_id)) == (404, "not_found")


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
def test_body_that_is_not_a_json_object_is_400(longcat: LongCat, body: bytes) -> None:
    assert problem(longcat.http.post("/longcat", content=body)) == (400, "invalid_input")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompt": ""}, "prompt"),
        ({"num_frames": 94}, "num_frames must be a multiple of 4, and 1"),
        ({"num_frames": "93"}, "num_frames"),
        ({"fps": 24}, "fps"),
        ({"fps": 30}, "at 720p only"),
        ({"resolution": "1080p"}, "resolution"),
        ({"aspect_ratio": "4:3"}, "aspect_ratio"),
        ({"aspect_ratio": "16:9", "image_url": "https://media.example/1.png"}, "aspect_ratio is for videos from text"),
        ({"image_url": "https://m.example/1.png", "video_url": "https://m.example/1.mp4"}, "exclude each other"),
        ({"image_url": "boat.png"}, "image_url"),
        ({"seed": -1}, "seed"),
        ({"num_inference_steps": 50}, "num_inference_steps"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(LongCatError) as refusal:
        read_create({"prompt": "x", **fields})
    assert (refusal.value.code, refusal.value.word) == (422, "invalid_input")
    assert said in refusal.value.message


def test_frames_decide_the_length_and_the_input_the_shape() -> None:
    text = read_create({"prompt": "x", "num_frames": 149, "fps": 30, "resolution": "720p", "aspect_ratio": "9:16"})
    assert text.spec(None) == MediaSpec(format="mp4", width=720, height=1280, duration_seconds=149 / 30, frame_rate=30)
    picture = read_create({"prompt": "x", "image_url": "https://media.example/1.png"})
    tall = SourceImage(ROOT, 600, 1000)
    assert picture.spec(tall) == MediaSpec(format="mp4", width=480, height=832, duration_seconds=6.2, frame_rate=15)


def test_creates_reads_and_cancels_fail_as_the_scenario_says(longcat: LongCat, sandbox: SandboxClient) -> None:
    busy = ErrorReply(code=503, msg="busy", retry_after=3)
    scenario(longcat, sandbox, seconds=LONG, create_error=busy, poll_error=busy, cancel_error=busy)
    refused = longcat.post()
    assert (problem(refused), refused.headers["Retry-After"]) == ((503, "refused"), "3")
    assert sandbox.requests(longcat.word).refused_by_code == {503: 1}
    job_id = longcat.create()
    assert problem(longcat.read(job_id)) == (503, "refused")
    assert longcat.read(job_id).status_code == 200
    assert problem(longcat.cancel(job_id)) == (503, "refused")
    assert longcat.cancel(job_id).json()["status"] == "cancelled"


def test_create_with_a_lost_reply_was_accepted(longcat: LongCat, sandbox: SandboxClient) -> None:
    scenario(longcat, sandbox, create_reply="drop")
    with pytest.raises(httpx.RemoteProtocolError):
        longcat.post()
    assert sandbox.requests(longcat.word).accepted == 1
