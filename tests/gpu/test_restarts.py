"""A server that stops or dies: its jobs are lost, never run twice, and its results stay."""

import signal
import sqlite3
from pathlib import Path

import httpx

from model_server.jobs import Status
from model_server.store import Store
from tests.gpu.running import ModelServer, png, server, starting, until


def test_a_killed_server_loses_its_unfinished_jobs_and_keeps_its_results(weights: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with server(weights / "models.toml", state) as models:
        finished = models.created("finished", seed=1)
        content = models.file(models.ended(finished)["id"])
        running = models.created("running", "stable-video", image=png(), steps=1000)
        waiting = models.created("waiting", "stable-video", image=png())
        step = models.stepping(running)["step"]
        models.signal(signal.SIGKILL)
        models.process.wait()
    with server(weights / "models.toml", state) as models:
        assert models.job(running)["status"] == "lost"
        assert models.job(running)["step"] >= step
        assert models.job(waiting)["status"] == "lost"
        assert models.job(waiting)["started_at"] is None
        assert models.file(finished) == content
        again = models.create("running", "stable-video", image=png(), steps=1000)
        assert (again.status_code, again.json()["status"]) == (200, "lost")
        # Nothing of them runs, and the server takes new work.
        assert models.ended(models.created("new", seed=1))["file"]["sha256"] == models.job(finished)["file"]["sha256"]
        assert list((state / "pictures").iterdir()) == []


def test_a_server_that_is_told_to_end_finishes_its_job_and_gives_up_the_queue(weights: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with server(weights / "models.toml", state) as models:
        running, waiting = models.created("running", num_frames=49, steps=1000, seed=1), models.created("waiting")
        models.stepping(running)
        models.signal(signal.SIGTERM)
        health = until(lambda: answer if (answer := models.http.get("/health")).status_code == 503 else None)
        assert health.json()["status"] == "draining"
        refused = models.create("too late")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
        assert models.job(running)["status"] == "running"
        until(lambda: True if models.job(waiting)["status"] == "lost" else None)
        models.process.wait()
        assert models.process.returncode == 0
    with server(weights / "models.toml", state) as models:
        assert models.job(running)["status"] == "succeeded"
        assert models.file(running)
        assert models.job(waiting)["status"] == "lost"


def test_a_job_that_outlasts_the_drain_is_lost(weights: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    configuration = weights / "drain.toml"
    configuration.write_text((weights / "models.toml").read_text().replace("[server]", "[server]\ndrain_seconds = 0"))
    with server(configuration, state) as models:
        running = models.created("running", "stable-video", image=png(), steps=1000)
        models.stepping(running)
        models.signal(signal.SIGTERM)
        models.process.wait()
    with server(configuration, state) as models:
        assert models.job(running)["status"] == "lost"


def test_ctrl_c_ends_at_once_and_writes_the_lost_job_down(weights: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with server(weights / "models.toml", state) as models:
        running = models.created("running", num_frames=121, steps=1000)
        models.stepping(running)
        models.signal(signal.SIGINT)
        models.process.wait()
        assert models.process.returncode == 0
    # The server wrote the end down itself: no second start had to.
    store = Store(state, instance="the test")
    assert store.of(running).status is Status.LOST
    store.close()


def test_a_folder_serves_one_server(weights: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with server(weights / "models.toml", state) as models, starting(weights / "models.toml", state) as second:
        second.process.wait()
        assert second.process.returncode == 2
        assert "another model server uses this folder" in second.log.read_text()
        assert models.http.get("/health").status_code == 200


def test_a_starting_server_says_so(weights: Path, tmp_path: Path) -> None:
    with starting(weights / "models.toml", tmp_path / "state") as models:

        def answered() -> httpx.Response | None:
            try:
                return models.http.get("/health")
            except httpx.TransportError:
                return None

        first: httpx.Response = until(answered)
        assert (first.status_code, first.json()["status"]) == (503, "starting")
        early = models.create("early")
        assert (early.status_code, early.json()["error"]["code"]) == (503, "starting")
        assert int(early.headers["retry-after"]) > 0
        models.wait_until_ok()
        assert models.ended(models.created("early"))["status"] == "succeeded"


def test_a_full_queue_refuses_with_a_time_to_come_back(weights: Path, tmp_path: Path) -> None:
    configuration = weights / "queue.toml"
    configuration.write_text((weights / "models.toml").read_text().replace("[server]", "[server]\nqueue_limit = 2"))
    with server(configuration, tmp_path / "state") as models:
        _hold(models)
        first = models.created("1")
        models.created("2")
        full = models.create("3")
        assert (full.status_code, full.json()["error"]["code"]) == (429, "queue_full")
        assert int(full.headers["retry-after"]) > 0
        # A job that is known is no new one.
        assert models.create("1").status_code == 200
        models.cancel(first)
        assert models.create("3").status_code == 202


def test_results_expire_by_the_bound_of_the_disk(weights: Path, tmp_path: Path) -> None:
    configuration = weights / "disk.toml"
    text = (weights / "models.toml").read_text()
    configuration.write_text(text.replace("[server]", f"[server]\nmax_files_gib = {15_000 / 2**30}"))
    with server(configuration, tmp_path / "state") as models:
        # A PNG of 64x64 random pixels has about 9 kB, so one fits and two do not.
        first, second = models.created("1", "sdxl-turbo"), models.created("2", "sdxl-turbo")
        models.ended(second)

        def code() -> str | None:
            answer = models.http.get(f"/v1/jobs/{first}/file")
            return None if answer.status_code == 200 else str(answer.json()["error"]["code"])

        assert until(code) == "file_expired"
        assert models.job(first)["status"] == "succeeded"
        assert models.file(second)


def test_a_step_that_takes_too_long_fails_the_job_and_the_next_one_runs(weights: Path, tmp_path: Path) -> None:
    with server(_impatient(weights), tmp_path / "state", module="tests.gpu.unlucky") as models:
        slow, after = models.created("slow", prompt="is slow"), models.created("after", prompt="a cat", steps=2)
        assert models.ended(slow)["error"] == {"code": "timeout", "message": "no step within 8 s"}
        assert models.ended(after)["status"] == "succeeded"
        assert models.job(slow)["status"] == "failed"


def test_a_call_that_never_ends_ends_the_process_and_loses_the_queue(weights: Path, tmp_path: Path) -> None:
    with server(_impatient(weights), tmp_path / "state", module="tests.gpu.unlucky") as models:
        hangs, waits = models.created("hangs", prompt="hangs"), models.created("waits", prompt="a cat")
        models.process.wait()
        assert models.process.returncode == 1
        assert "model_server_hangs" in models.log.read_text()
    with server(_impatient(weights), tmp_path / "state") as models:
        assert models.job(hangs)["error"]["code"] == "timeout"
        assert models.job(waits)["status"] == "lost"


def test_a_broken_device_ends_the_process_and_loses_every_job(weights: Path, tmp_path: Path) -> None:
    with server(weights / "models.toml", tmp_path / "state", module="tests.gpu.unlucky") as models:
        breaks, waits = models.created("breaks", prompt="breaks the device"), models.created("waits")
        assert until(models.process.poll) == 1
        assert "an illegal memory access" in models.log.read_text()
        assert "model_server_broken" in models.log.read_text()
    with server(weights / "models.toml", tmp_path / "state") as models:
        assert [models.job(each)["status"] for each in (breaks, waits)] == ["lost", "lost"]


def test_jobs_that_cannot_be_written_down_end_the_process(weights: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with server(weights / "models.toml", state) as models:
        running = models.created("running", "stable-video", image=png(), steps=1000)
        models.stepping(running)
        database = sqlite3.connect(state / "jobs.sqlite", isolation_level=None)
        database.execute("ALTER TABLE jobs RENAME TO taken_away")
        assert until(models.process.poll) == 1
        assert "model_server_broken" in models.log.read_text()
        database.execute("ALTER TABLE taken_away RENAME TO jobs")
        database.close()
    with server(weights / "models.toml", state) as models:
        assert models.job(running)["status"] == "lost"


def test_a_server_that_cannot_use_its_device_ends(weights: Path, tmp_path: Path) -> None:
    configuration = weights / "no-device.toml"
    configuration.write_text((weights / "models.toml").read_text().replace("[server]", '[server]\ndevice = "cuda:99"'))
    with starting(configuration, tmp_path / "state") as models:
        assert until(models.process.poll) == 1
        assert "model_server_broken" in models.log.read_text()


def _impatient(weights: Path) -> Path:
    path = weights / "impatient.toml"
    path.write_text((weights / "models.toml").read_text().replace("[server]", "[server]\nstep_timeout_seconds = 8"))
    return path


def _hold(models: ModelServer) -> None:
    models.stepping(models.created("held", "stable-video", image=png(), steps=1000))
