"""Jobs over the wire: results, seeds, progress, cancels, references, refusals."""

import base64
import hashlib
import io
from typing import Any

import av
import pytest
from PIL import Image

from tests.gpu.running import ModelServer, png


def test_stable_video_makes_an_h264_file_from_a_picture(models: ModelServer) -> None:
    job_id = models.created("svd", "stable-video", image=png(), seed=3, options={"motion_bucket_id": 90})
    job = models.ended(job_id)
    assert (job["status"], job["progress"], job["step"], job["steps"]) == ("succeeded", 1.0, 8, 8)
    assert job["seed"] == 3
    content = models.file(job_id)
    facts = job["file"]
    assert facts["sha256"] == hashlib.sha256(content).hexdigest()
    assert facts["bytes"] == len(content)
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(io.BytesIO(content), "r") as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (facts["width"], facts["height"]) == (96, 64)
        assert stream.average_rate == facts["fps"] == 7
        assert len(list(file.decode(video=0))) == facts["frames"] == 8
        assert file.metadata["comment"] == "made by stable-video with seed 3"


def test_a_text_becomes_a_video_of_the_size_and_length_asked_for(models: ModelServer) -> None:
    job_id = models.created("ltx", width=64, height=96, num_frames=17, fps=12, steps=2, guidance=2.5)
    job = models.ended(job_id)
    assert {name: job["file"][name] for name in ("width", "height", "frames", "fps")} == {
        "width": 64,
        "height": 96,
        "frames": 17,
        "fps": 12,
    }
    assert job["steps"] == 2


def test_a_text_becomes_a_png(models: ModelServer) -> None:
    job_id = models.created("sdxl", "sdxl-turbo", width=64, height=80)
    job = models.ended(job_id)
    assert (job["file"]["content_type"], job["file"]["frames"], job["file"]["fps"]) == ("image/png", None, None)
    with Image.open(io.BytesIO(models.file(job_id))) as image:
        assert (image.format, image.size) == ("PNG", (64, 80))


@pytest.mark.parametrize(
    ("pipeline", "fields"), [("stable-video", {"image": png()}), ("ltx-video", {}), ("sdxl-turbo", {})]
)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(
    models: ModelServer, pipeline: str, fields: dict[str, Any]
) -> None:
    seeds = [11, 11, 12, 11]
    jobs = [
        models.created(f"seed {pipeline} {place}", pipeline, seed=seed, **fields) for place, seed in enumerate(seeds)
    ]
    digests = [models.ended(each)["file"]["sha256"] for each in jobs]
    assert digests[0] == digests[1] == digests[3]
    # The file names its seed, so its bytes differ anyway: the pictures must differ.
    assert _pixels(models.file(jobs[2])) != _pixels(models.file(jobs[0]))


def test_a_drawn_seed_is_told_and_repeats_the_result(models: ModelServer) -> None:
    drawn = models.ended(models.created("drawn"))
    repeated = models.ended(models.created("repeated", seed=drawn["seed"]))
    assert repeated["file"]["sha256"] == drawn["file"]["sha256"]


def test_progress_grows_with_the_steps(models: ModelServer) -> None:
    job_id = models.created("long", num_frames=49, steps=1000)
    seen = [models.stepping(job_id)]
    while (job := models.job(job_id))["status"] == "running":
        seen.append(job)
    assert all(each["progress"] == pytest.approx(each["step"] / 1000, abs=1e-4) for each in seen)
    steps = [each["step"] for each in seen]
    assert steps == sorted(steps)
    assert len(set(steps)) > 2
    assert models.ended(job_id)["step"] == 1000


def test_a_running_job_is_cancelled_at_its_next_step(models: ModelServer) -> None:
    job_id = models.created("cancel while it runs", steps=1000)
    models.stepping(job_id)
    assert models.cancel(job_id)["cancel_requested"] is True
    job = models.ended(job_id)
    assert job["status"] == "cancelled"
    assert 0 < job["step"] < 1000
    assert models.http.get(f"/v1/jobs/{job_id}/file").json()["error"]["code"] == "job_not_finished"
    # The pipeline works as before.
    assert models.ended(models.created("after the cancel", seed=1))["status"] == "succeeded"


def test_stable_video_is_cancelled_between_its_steps(models: ModelServer) -> None:
    job_id = models.created("cancel stable video", "stable-video", image=png(), steps=1000)
    models.stepping(job_id)
    models.cancel(job_id)
    job = models.ended(job_id)
    assert job["status"] == "cancelled"
    assert job["step"] < 1000


def test_a_queued_job_is_cancelled_at_once_and_never_runs(models: ModelServer) -> None:
    running = models.created("runs", steps=1000)
    models.stepping(running)
    waiting, behind = models.created("waits"), models.created("waits behind")
    assert (models.job(waiting)["ahead"], models.job(behind)["ahead"]) == (1, 2)
    job = models.cancel(waiting)
    assert (job["status"], job["started_at"]) == ("cancelled", None)
    assert models.job(behind)["ahead"] == 1
    models.cancel(running)
    assert models.ended(behind)["status"] == "succeeded"
    assert models.job(waiting)["status"] == "cancelled"


def test_a_finished_job_stays_as_it_is_when_cancelled(models: ModelServer) -> None:
    job_id = models.created("finished")
    job = models.ended(job_id)
    assert models.cancel(job_id) == job


def test_two_jobs_on_one_pipeline_both_succeed(models: ModelServer) -> None:
    jobs = [models.created(f"at once {place}", seed=place) for place in range(2)]
    ended = [models.ended(each) for each in jobs]
    assert [each["status"] for each in ended] == ["succeeded", "succeeded"]
    assert ended[1]["started_at"] >= ended[0]["finished_at"]


def test_the_same_reference_gives_the_same_job_and_another_body_a_conflict(models: ModelServer) -> None:
    first = models.create("twice", seed=5)
    again = models.create("twice", seed=5)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"]
    other = models.create("twice", seed=6)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "reference_conflict")
    models.ended(first.json()["id"])
    assert models.create("twice", seed=5).json()["status"] == "succeeded"
    found = models.http.get("/v1/jobs", params={"reference": "twice"}).json()["jobs"]
    assert [job["id"] for job in found] == [first.json()["id"]]
    assert models.http.get("/v1/jobs", params={"reference": "never sent"}).json() == {"jobs": []}


def test_parts_of_a_file_are_served(models: ModelServer) -> None:
    job_id = models.created("parts", "sdxl-turbo")
    models.ended(job_id)
    whole = models.file(job_id)
    part = models.http.get(f"/v1/jobs/{job_id}/file", headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"PNG", f"bytes 1-3/{len(whole)}")
    head = models.http.head(f"/v1/jobs/{job_id}/file")
    assert (head.headers["content-length"], head.headers["content-type"]) == (str(len(whole)), "image/png")


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"pipeline": "unknown"}, "pipeline", "ltx-video"),
        ({"width": 100}, "width", "96x64"),
        ({"height": 70}, "height", "96x64"),
        ({"width": 960, "height": 640}, "height", "96x64"),
        ({"num_frames": 12}, "num_frames", "9 is the nearest"),
        ({"num_frames": 500}, "num_frames", "121 is the nearest"),
        ({"steps": 5000}, "steps", "from 2 to 1000"),
        ({"steps": 1}, "steps", "from 2 to 1000"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"prompt": " "}, "prompt", "needs one"),
        ({"image": png()}, "image", "takes none"),
        ({"options": {"motion_bucket_id": 3}}, "options.motion_bucket_id", "Allowed: none"),
        ({"unknown": 1}, "unknown", "not permitted"),
        ({"webhook_url": "http://127.0.0.1:9/"}, "webhook_url", "no key"),
        ({"pipeline": "stable-video"}, "image", "starts from a picture"),
        ({"pipeline": "stable-video", "image": png(), "prompt": "a cat"}, "prompt", "takes none"),
        (
            {"pipeline": "stable-video", "image": png(), "options": {"motion_bucket_id": 300}},
            "options",
            "from 1 to 255",
        ),
        ({"pipeline": "stable-video", "image": "no base64!"}, "image", "base64"),
        ({"pipeline": "stable-video", "image": base64.b64encode(b"no picture").decode()}, "image", "PNG, JPEG or WEBP"),
        ({"pipeline": "stable-video", "image": png(format="GIF")}, "image", "PNG, JPEG or WEBP"),
        ({"pipeline": "stable-video", "image": png(9000, 9000)}, "image", "9000x9000 pixels: at most"),
        ({"pipeline": "sdxl-turbo", "num_frames": 9}, "num_frames", "makes images"),
    ],
)
def test_a_request_that_a_pipeline_cannot_do_is_refused_with_the_field_and_the_remedy(
    models: ModelServer, fields: dict[str, Any], field: str, says: str
) -> None:
    before = models.http.get("/health").json()
    body = {"pipeline": "ltx-video", "reference": "refused", **fields}
    if body["pipeline"] != "stable-video":
        body = {"prompt": "a cat", **body}
    answer = models.http.post("/v1/jobs", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_request")
    assert error["message"].startswith(field)
    assert says in error["message"]
    assert models.http.get("/health").json() == before
    assert models.http.get("/v1/jobs", params={"reference": "refused"}).json() == {"jobs": []}


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_other_formats_of_pictures_are_taken(models: ModelServer, format: str) -> None:  # noqa: A002
    job_id = models.created(f"picture {format}", "stable-video", image=png(format=format), steps=1)
    assert models.ended(job_id)["status"] == "succeeded"


def test_calls_without_the_key_are_refused(models: ModelServer) -> None:
    for method, path in [
        ("POST", "/v1/jobs"),
        ("GET", "/v1/jobs/x"),
        ("GET", "/v1/pipelines"),
        ("DELETE", "/v1/jobs/x"),
    ]:
        answer = models.http.request(method, path, headers={"Authorization": "Bearer another key of some length"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


def test_bodies_that_are_no_json_or_too_large_are_refused(models: ModelServer) -> None:
    json = {"Content-Type": "application/json"}
    assert models.http.post("/v1/jobs", content=b"{", headers=json).status_code == 400
    assert models.http.post("/v1/jobs", content=b"[" * 100_000, headers=json).status_code == 400
    assert models.http.post("/v1/jobs", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    large = models.http.post("/v1/jobs", content=b" " * 30_000_000, headers=json)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "content_too_large")


def test_an_unknown_job_is_not_found(models: ModelServer) -> None:
    answer = models.http.get("/v1/jobs/unknown")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "job_not_found")
    assert models.http.get("/elsewhere").json()["error"]["code"] == "not_found"


def test_pipelines_and_metrics_tell_the_facts(models: ModelServer) -> None:
    models.ended(models.created("facts"))
    facts = models.pipelines()["ltx-video"]
    assert (facts["kind"], facts["takes_prompt"], facts["takes_image"]) == ("video", True, False)
    assert (facts["class"], facts["loaded"]) == ("LTXPipeline", True)
    assert facts["memory_bytes"] > 100_000
    assert models.metric('jobs_total{outcome="succeeded",pipeline="ltx-video"}') >= 1
    assert models.metric('loads_total{pipeline="ltx-video"}') == 1


def _pixels(content: bytes) -> bytes:
    with av.open(io.BytesIO(content), "r") as file:
        return b"".join(frame.to_ndarray(format="rgb24").tobytes() for frame in file.decode(video=0))
