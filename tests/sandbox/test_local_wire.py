"""The simulated model server against docs/model-server.md."""

import base64
import hashlib
import io
import json
from typing import Any

import av
import httpx
import pytest

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from sandbox.vendors.local.errors import LocalError
from sandbox.vendors.local.models import MAX_IMAGE_BYTES, read_create
from tests.media_files.images import png
from tests.sandbox.harness import KEY, Local, eventually, receiving

LONG = 3600
_SMALL = Delivered(width=64, height=64, duration_seconds=0.5)
PICTURE = base64.b64encode(png(64, 64)).decode()


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The HTTP status, and the code in the body."""
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    return answer.status_code, body["error"]["code"]


def scenario(local: Local, sandbox: SandboxClient, **fields: object) -> None:
    match = Match(prompt_contains=local.word)
    sandbox.add_scenario(Scenario.model_validate({"match": match, "delivered": _SMALL, **fields}))


def test_create_gives_a_job_and_the_job_a_file(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox)
    created = local.post(reference="ref-1", seed=7, negative_prompt="blur")
    job = created.json()
    assert (created.status_code, job["status"], job["reference"], job["seed"]) == (202, "queued", "ref-1", 7)
    assert (job["file"], job["error"], job["started_at"], job["cancel_requested"]) == (None, None, None, False)

    done = local.finish(job["id"])
    content = local.file(job["id"]).content
    assert (done["status"], done["progress"], done["step"], done["steps"]) == ("succeeded", 1, 50, 50)
    assert done["file"] == {
        "content_type": "video/mp4",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "width": 64,
        "height": 64,
        "frames": 12,
        "fps": 25,
    }
    with av.open(io.BytesIO(content)) as file:
        assert (file.streams.video[0].width, len(file.streams.audio)) == (64, 0)


def test_job_without_a_seed_reports_the_one_that_was_drawn(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox, seconds=LONG)
    seeds = {local.read(local.create()).json()["seed"] for _ in range(3)}
    assert len(seeds) == 3
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_same_reference_makes_one_job(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox, seconds=LONG)
    job_id = local.create(reference="ref-1")
    again = local.post(reference="ref-1")
    assert (again.status_code, again.json()["id"]) == (200, job_id)
    assert problem(local.post(reference="ref-1", seed=1)) == (409, "reference_conflict")
    assert len(sandbox.tasks(local.word)) == 1


def test_job_is_found_by_its_reference(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox, seconds=LONG)
    job_id = local.create(reference="ref-1")
    local.create(reference="ref-2")
    (found,) = local.find("ref-1").json()["jobs"]
    assert (found["id"], found["reference"]) == (job_id, "ref-1")
    assert local.find("ref-3").json() == {"jobs": []}


def test_queued_jobs_tell_how_many_are_ahead(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox, seconds=LONG)
    sandbox.set_limits(local_concurrency=0)
    jobs = [local.create() for _ in range(2)]
    sandbox.finish(local.word)
    eventually(lambda: [local.read(each).json()["ahead"] for each in jobs] == [0, 1])
    assert local.http.get("/local/health").json()["queued"] == 2
    assert local.cancel(jobs[0]).json()["status"] == "cancelled"
    eventually(lambda: local.read(jobs[1]).json()["ahead"] == 0)


def test_progress_comes_from_steps(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox, seconds=1)
    job_id = local.create(steps=10)
    seen: list[dict[str, Any]] = []

    def is_done() -> bool:
        seen.append(local.read(job_id).json())
        return bool(seen[-1]["status"] == "succeeded")

    eventually(is_done)
    states = list(dict.fromkeys(job["status"] for job in seen))
    assert states == [status for status in ("queued", "loading", "running", "succeeded") if status in states]
    assert [job["progress"] for job in seen] == sorted(job["progress"] for job in seen)
    assert all(job["step"] == int(job["progress"] * 10) for job in seen)


@pytest.mark.parametrize(("fail_code", "code"), [("out_of_memory", "out_of_memory"), ("500", "pipeline_failed")])
def test_failed_job_has_its_error(local: Local, sandbox: SandboxClient, fail_code: str, code: str) -> None:
    scenario(local, sandbox, outcome="fail", fail_code=fail_code, fail_msg="It broke")
    job_id = local.create()
    done = local.finish(job_id)
    assert (done["status"], done["error"], done["file"]) == ("failed", {"code": code, "message": "It broke"}, None)
    assert problem(local.file(job_id)) == (409, "job_not_finished")


def test_cancel_stops_the_work_at_once_or_at_the_next_step(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox, seconds=LONG)
    answer = local.cancel(local.create()).json()
    assert (answer["status"], answer["cancel_requested"]) == ("cancelled", True)
    scenario(local, sandbox, seconds=LONG, cancel="slow", cancel_seconds=0.2)
    job_id = local.create()
    answer = local.cancel(job_id).json()
    assert (answer["status"] in {"queued", "loading", "running"}, answer["cancel_requested"]) == (True, True)
    assert local.finish(job_id)["status"] == "cancelled"


def test_finished_job_stays_as_it_is(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox)
    job_id = local.create()
    done = local.finish(job_id)
    assert {**local.cancel(job_id).json(), "cancel_requested": False} == done


def test_file_is_served_in_ranges(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox)
    job_id = local.create()
    local.finish(job_id)
    whole, part = local.file(job_id), local.file(job_id, Range="bytes=10-19")
    assert (whole.headers["Content-Type"], int(whole.headers["Content-Length"])) == ("video/mp4", len(whole.content))
    assert (part.status_code, part.content) == (206, whole.content[10:20])


def test_finished_job_is_sent_to_its_webhook(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox)
    with receiving() as receiver:
        job_id = local.create(webhook_url=receiver.url)
        (sent,) = receiver.wait_for(1)
    assert json.loads(sent.body) == local.finish(job_id)
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= set(sent.headers)


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", KEY])
def test_wrong_key_is_401(local: Local, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(base_url=local.http.base_url, headers=headers, trust_env=False) as http:
        stranger = Local(http, local.word)
        answers = [
            stranger.post(),
            stranger.read("job-1"),
            stranger.find("ref-1"),
            stranger.cancel("job-1"),
            stranger.file("job-1"),
            http.get("/local/v1/pipelines"),
        ]
        assert [problem(answer) for answer in answers] == [(401, "unauthorized")] * len(answers)
        assert http.get("/local/health").json()["status"] == "ok"
        shown = http.get("/local/metrics")
        assert shown.status_code == 200
        for name in ("queued", "running"):
            assert f"\nreelworks_model_server_{name} " in shown.text


def test_unknown_jobs_are_404(local: Local) -> None:
    for call in (local.read, local.cancel, local.file):
        assert problem(call("job-1")) == (404, "job_not_found")


def test_pipelines_are_listed(local: Local) -> None:
    listed = local.http.get("/local/v1/pipelines").json()["pipelines"]
    facts = {each["name"]: (each["kind"], each["takes_prompt"], each["takes_image"]) for each in listed}
    assert facts == {
        "stable-video": ("video", False, True),
        "ltx-video": ("video", True, False),
        "wan-2.1": ("video", True, False),
        "sdxl-turbo": ("image", True, False),
    }
    assert {"class", "source", "revision", "loaded", "memory_bytes"} <= set(listed[0])


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
def test_body_that_is_not_a_json_object_is_400(local: Local, body: bytes) -> None:
    assert problem(local.http.post("/local/v1/jobs", content=body)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("fields", "word", "said"),
    [
        ({"pipeline": "flux"}, "invalid_request", "pipeline: unknown. Known: ltx-video, "),
        ({"reference": ""}, "invalid_request", "reference"),
        ({"reference": "x" * 201}, "invalid_request", "reference"),
        ({"width": 700}, "invalid_request", "width: must be a multiple of 32; the nearest is 704"),
        ({"num_frames": 24}, "invalid_request", "num_frames: must be a multiple of 8, and 1; the nearest is 25"),
        ({"pipeline": "wan-2.1", "num_frames": 80}, "invalid_request", "the nearest is 81"),
        ({"image": PICTURE}, "invalid_request", "image: ltx-video takes no picture"),
        ({"options": {"motion_bucket_id": 3}}, "invalid_request", "options.motion_bucket_id"),
        ({"seed": -1}, "invalid_request", "seed"),
        ({"webhook_url": "nowhere"}, "invalid_request", "webhook_url"),
        ({"num_inference_steps": 50}, "invalid_request", "num_inference_steps"),
        ({"pipeline": "stable-video", "prompt": None}, "invalid_request", "image: stable-video starts from a picture"),
        ({"pipeline": "stable-video", "image": PICTURE}, "invalid_request", "prompt: stable-video takes no text"),
        ({"pipeline": "stable-video", "prompt": None, "image": "%"}, "invalid_request", "image: must be base64"),
        ({"pipeline": "stable-video", "prompt": None, "image": "AAAA"}, "invalid_request", "a PNG, JPEG or WebP"),
    ],
)
def test_wrong_field_is_named(local: Local, fields: dict[str, Any], word: str, said: str) -> None:
    answer = local.post(**fields)
    assert problem(answer) == (422, word)
    assert said in answer.json()["error"]["message"]


def test_picture_above_the_limit_is_413() -> None:
    large = base64.b64encode(bytes(MAX_IMAGE_BYTES + 1)).decode()
    create = read_create({"pipeline": "stable-video", "reference": "r", "image": large})
    with pytest.raises(LocalError) as refusal:
        create.picture()
    assert refusal.value.code == 413


def test_picture_is_set_in_motion(local: Local, sandbox: SandboxClient) -> None:
    sandbox.add_scenario(Scenario(match=Match(model="stable-video"), delivered=_SMALL))
    job_id = local.create(pipeline="stable-video", prompt=None, image=PICTURE, options={"motion_bucket_id": 3})
    assert local.finish(job_id)["file"]["content_type"] == "video/mp4"


def test_a_server_that_lost_its_work_says_so(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox, seconds=LONG, state_word="lost")
    job = local.read(local.create()).json()
    assert (job["status"], job["file"]) == ("lost", None)


def test_creates_reads_and_cancels_fail_as_the_scenario_says(local: Local, sandbox: SandboxClient) -> None:
    full, ends = ErrorReply(code=429, msg="busy", retry_after=3), ErrorReply(code=503, msg="ends")
    scenario(local, sandbox, seconds=LONG, create_error=full, poll_error=ends, cancel_error=ends)
    refused = local.post()
    assert (problem(refused), refused.headers["Retry-After"]) == ((429, "queue_full"), "3")
    assert sandbox.requests(local.word).refused_by_code == {429: 1}
    job_id = local.create()
    assert problem(local.read(job_id)) == (503, "draining")
    assert local.read(job_id).status_code == 200
    assert problem(local.cancel(job_id)) == (503, "draining")
    assert local.cancel(job_id).json()["status"] == "cancelled"


def test_create_with_a_lost_reply_was_accepted(local: Local, sandbox: SandboxClient) -> None:
    scenario(local, sandbox, create_reply="drop")
    with pytest.raises(httpx.RemoteProtocolError):
        local.post()
    assert sandbox.requests(local.word).accepted == 1
