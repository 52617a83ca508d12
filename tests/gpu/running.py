"""A model server in a process of its own, and the calls of its wire."""

import base64
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from PIL import Image

from stack.ports import free_port

T = TypeVar("T")

PROJECT = Path(__file__).parents[2]
KEY = "the key of the tests"
STEADY = 300.0
"""Seconds until a test gives up. A busy machine is slow, and that is no failure."""

_UNFINISHED = ("queued", "loading", "running")


def png(width: int = 200, height: int = 150, *, format: str = "PNG") -> str:  # noqa: A002 -- Pillow's name
    """A picture, as the wire takes pictures."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, format)
    return base64.b64encode(file.getvalue()).decode()


class ModelServer:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.log = log
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {KEY}"}, timeout=60
        )

    def wait_until_ok(self) -> dict[str, Any]:
        """Wait until the server takes work."""

        def health() -> dict[str, Any] | None:
            if self.process.poll() is not None:
                raise AssertionError(self.log.read_text())
            try:
                answer = self.http.get("/health")
            except httpx.TransportError:
                return None
            return dict(answer.json()) if answer.status_code == 200 else None

        return until(health)

    def create(self, reference: str, pipeline: str = "ltx-video", **fields: Any) -> httpx.Response:
        """Send a create."""
        if pipeline != "stable-video":
            fields.setdefault("prompt", "a cat walks")
        return self.http.post("/v1/jobs", json={"pipeline": pipeline, "reference": reference, **fields})

    def created(self, reference: str, pipeline: str = "ltx-video", **fields: Any) -> str:
        """The id of a new job."""
        answer = self.create(reference, pipeline, **fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """The job now."""
        answer = self.http.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job at its end."""
        return self.job_when(job_id, lambda job: job["status"] not in _UNFINISHED)

    def job_when(self, job_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job, once something is true of it."""

        def found() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if is_so(job) else None

        return until(found)

    def stepping(self, job_id: str) -> dict[str, Any]:
        """A job that is in the middle of its steps."""
        job = self.job_when(job_id, lambda job: job["step"] > 0 or job["status"] not in _UNFINISHED)
        assert job["status"] == "running", job
        return job

    def file(self, job_id: str) -> bytes:
        """The result."""
        answer = self.http.get(f"/v1/jobs/{job_id}/file")
        assert answer.status_code == 200, answer.text
        return answer.content

    def cancel(self, job_id: str) -> dict[str, Any]:
        """The job after a cancel."""
        answer = self.http.delete(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def pipelines(self) -> dict[str, dict[str, Any]]:
        """The pipelines by name."""
        return {each["name"]: each for each in self.http.get("/v1/pipelines").json()["pipelines"]}

    def metric(self, series: str) -> float:
        """The value of a series of `/metrics`."""
        for line in self.http.get("/metrics").text.splitlines():
            if line.startswith(f"reelworks_model_server_{series} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def signal(self, number: int) -> None:
        """Send a signal to the server."""
        self.process.send_signal(number)


@contextmanager
def server(
    configuration: Path, state: Path, *, environment: Mapping[str, str] | None = None, module: str = "cli"
) -> Iterator[ModelServer]:
    """A running server that takes work, ended afterwards. `module`: the module that holds the command."""
    with starting(configuration, state, environment=environment, module=module) as found:
        found.wait_until_ok()
        yield found


@contextmanager
def starting(
    configuration: Path, state: Path, *, environment: Mapping[str, str] | None = None, module: str = "cli"
) -> Iterator[ModelServer]:
    """A server that may not take work yet."""
    port = free_port()
    state.mkdir(parents=True, exist_ok=True)
    log = state.with_suffix(".log")
    command = [
        *(sys.executable, "-m", module, "model-server", "--config", str(configuration)),
        *("--port", str(port), "--state", str(state)),
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("REELWORKS_", "MODEL_SERVER_"))}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**clean, "MODEL_SERVER_API_KEY": KEY, **(environment or {})},
            stdout=output,
            stderr=output,
        )
    found = ModelServer(process, port, log)
    try:
        yield found
    finally:
        found.http.close()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(found: Callable[[], T | None]) -> T:
    """Ask until there is an answer."""
    deadline = time.monotonic() + STEADY
    while time.monotonic() < deadline:
        if (answer := found()) is not None:
            return answer
        time.sleep(0.02)
    raise AssertionError("nothing came")
