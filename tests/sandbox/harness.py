"""A sandbox process, a receiver of callbacks, and a client for each vendor."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from sandbox.client import SandboxClient

KEY = "test-api-key"
WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
RUNWAY_VERSION = "2024-11-06"
FLUX = "black-forest-labs/flux-schnell"
SEEDANCE = "bytedance/seedance-1-pro"
PIKA = "fal-ai/pika/v2.2/text-to-video"
BANANA = "gemini-nano-banana-2.1"
OMNI = "gemini-omni-1.1-flash"
VEO = "veo-3.1-generate-001"
VERTEX_PROJECT = "sandbox-project"
SECONDS_PER_IMAGE = 0.1
SECONDS_PER_VIDEO = 0.2
ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 300


def start_sandbox(port: int, *, public_url: str = "") -> subprocess.Popen[str]:
    """Start the process and wait until it answers. Without a public URL, links begin with the process's own address."""
    environment = {
        **os.environ,
        "SANDBOX_PUBLIC_URL": public_url,
        "SANDBOX_API_KEY": KEY,
        "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SANDBOX_SECONDS_PER_IMAGE": str(SECONDS_PER_IMAGE),
        "SANDBOX_SECONDS_PER_VIDEO": str(SECONDS_PER_VIDEO),
        "SANDBOX_CALLBACK_RETRY_SECONDS": "0.05",
    }
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "sandbox", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with SandboxClient(f"http://127.0.0.1:{port}") as client:
            eventually(lambda: process.poll() is not None or _answers(client))
        assert process.poll() is None, process.communicate()[0]
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds. The time limit is far above any real duration."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _answers(client: SandboxClient) -> bool:
    try:
        return client.health().status == "ok"
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Kie:
    """A client of Kie."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post_task(
        self, model: str, fields: dict[str, JsonValue] | None = None, *, call_back_url: str | None = None
    ) -> httpx.Response:
        body: dict[str, JsonValue] = {"model": model, "input": {"prompt": f"a boat {self.word}", **(fields or {})}}
        if call_back_url is not None:
            body["callBackUrl"] = call_back_url
        return self.http.post("/kie/api/v1/jobs/createTask", json=body)

    def create(
        self,
        model: str = "google/nano-banana",
        fields: dict[str, JsonValue] | None = None,
        *,
        call_back_url: str | None = None,
    ) -> str:
        body = self.post_task(model, fields, call_back_url=call_back_url).json()
        assert (body["code"], body["msg"]) == (200, "success")
        task_id: str = body["data"]["taskId"]
        return task_id

    def read(self, task_id: str) -> httpx.Response:
        return self.http.get("/kie/api/v1/jobs/recordInfo", params={"taskId": task_id})

    def finish(self, task_id: str) -> dict[str, JsonValue]:
        """Read the task until it ends, and return its record."""

        def ended() -> bool:
            return self.read(task_id).json()["data"]["completeTime"] is not None

        eventually(ended)
        record: dict[str, JsonValue] = self.read(task_id).json()["data"]
        return record

    def result_url(self, task_id: str) -> str:
        result = self.finish(task_id)["resultJson"]
        assert isinstance(result, str)
        urls: list[str] = httpx.Response(200, text=result).json()["resultUrls"]
        assert len(urls) == 1
        return urls[0]


@dataclass(frozen=True)
class Kling:
    """A client of Kling."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post_text(self, model: str = "kling-3.0", **fields: JsonValue) -> httpx.Response:
        return self.http.post(f"/kling/text-to-video/{model}", json={"prompt": f"a boat {self.word}", **fields})

    def post_image(self, url: str, *more: JsonValue, **fields: JsonValue) -> httpx.Response:
        contents: list[JsonValue] = [
            {"type": "prompt", "text": f"a boat {self.word}"},
            {"type": "first_frame", "url": url},
            *more,
        ]
        return self.http.post("/kling/image-to-video/kling-3.0", json={"contents": contents, **fields})

    def create(self, **options: JsonValue) -> str:
        return self.id_of(self.post_text(settings={"duration": 3}, options=options))

    def id_of(self, answer: httpx.Response) -> str:
        body = answer.json()
        assert (answer.status_code, body["code"], body["message"]) == (200, 0, "SUCCEED")
        task_id: str = body["data"]["id"]
        return task_id

    def read(self, **query: str) -> httpx.Response:
        return self.http.get("/kling/tasks", params=query)

    def task(self, task_id: str) -> dict[str, Any]:
        task: dict[str, Any]
        (task,) = self.read(task_ids=task_id).json()["data"]
        return task

    def finish(self, task_id: str) -> dict[str, Any]:
        """Read the task until it ends, and return its record."""
        eventually(lambda: self.task(task_id)["status"] in {"succeeded", "failed"})
        return self.task(task_id)


@dataclass(frozen=True)
class KlingLegacy:
    """A client of Kling's legacy dialect."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(self, kind: str = "text2video", **fields: JsonValue) -> httpx.Response:
        wanted: dict[str, JsonValue] = {"model_name": "kling-v2-6", "prompt": f"a boat {self.word}", **fields}
        return self.http.post(f"/kling_legacy/v1/videos/{kind}", json=wanted)

    def create(self, kind: str = "text2video", **fields: JsonValue) -> str:
        body = self.post(kind, **fields).json()
        assert (body["code"], body["message"]) == (0, "SUCCEED")
        task_id: str = body["data"]["task_id"]
        return task_id

    def read(self, name: str, kind: str = "text2video") -> httpx.Response:
        return self.http.get(f"/kling_legacy/v1/videos/{kind}/{name}")

    def finish(self, task_id: str, kind: str = "text2video") -> dict[str, Any]:
        """Read the task until it ends, and return its record."""
        eventually(lambda: self.read(task_id, kind).json()["data"]["task_status"] in {"succeed", "failed"})
        task: dict[str, Any] = self.read(task_id, kind).json()["data"]
        return task


@dataclass(frozen=True)
class Replicate:
    """A client of Replicate."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(
        self,
        fields: dict[str, JsonValue] | None = None,
        *,
        model: str = FLUX,
        webhook: str | None = None,
        events: list[str] | None = None,
    ) -> httpx.Response:
        wanted: dict[str, JsonValue] = {"prompt": f"a boat {self.word}", **(fields or {})}
        if model == FLUX:
            wanted.setdefault("output_format", "png")
        given = {"input": wanted, "webhook": webhook, "webhook_events_filter": events}
        body = {name: value for name, value in given.items() if value is not None}
        return self.http.post(f"/replicate/v1/models/{model}/predictions", json=body)

    def create(
        self,
        fields: dict[str, JsonValue] | None = None,
        *,
        model: str = FLUX,
        webhook: str | None = None,
        events: list[str] | None = None,
    ) -> str:
        answer = self.post(fields, model=model, webhook=webhook, events=events)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        prediction_id: str = answer.json()["id"]
        return prediction_id

    def read(self, prediction_id: str) -> httpx.Response:
        return self.http.get(f"/replicate/v1/predictions/{prediction_id}")

    def cancel(self, prediction_id: str) -> httpx.Response:
        return self.http.post(f"/replicate/v1/predictions/{prediction_id}/cancel")

    def finish(self, prediction_id: str) -> dict[str, JsonValue]:
        """Read the prediction until it ends, and return it."""
        eventually(lambda: "completed_at" in self.read(prediction_id).json())
        prediction: dict[str, JsonValue] = self.read(prediction_id).json()
        return prediction


@dataclass(frozen=True)
class Runway:
    """A client of Runway."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(self, endpoint: str = "text_to_image", **fields: JsonValue) -> httpx.Response:
        """The body of a create; of a picture by default."""
        wanted: dict[str, JsonValue] = {"promptText": f"a boat {self.word}", "ratio": "1280:720"}
        if endpoint == "text_to_image":
            wanted["model"] = "gen4_image"
        return self.http.post(f"/runway/v1/{endpoint}", json={**wanted, **fields})

    def create(self, endpoint: str = "text_to_image", **fields: JsonValue) -> str:
        answer = self.post(endpoint, **fields)
        assert answer.status_code == httpx.codes.OK, answer.text
        task_id: str = answer.json()["id"]
        return task_id

    def read(self, task_id: str) -> httpx.Response:
        return self.http.get(f"/runway/v1/tasks/{task_id}")

    def delete(self, task_id: str) -> httpx.Response:
        return self.http.delete(f"/runway/v1/tasks/{task_id}")

    def credits(self) -> int:
        balance: int = self.http.get("/runway/v1/organization").json()["creditBalance"]
        return balance

    def finish(self, task_id: str) -> dict[str, Any]:
        """Read the task until it ends, and return it."""
        eventually(lambda: self.read(task_id).json()["status"] in {"SUCCEEDED", "FAILED"})
        task: dict[str, Any] = self.read(task_id).json()
        return task


@dataclass(frozen=True)
class Fal:
    """A client of fal."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(self, model: str = PIKA, *, webhook: str | None = None, **fields: JsonValue) -> httpx.Response:
        body = {"prompt": f"a boat {self.word}", **fields}
        return self.http.post(f"/fal/{model}", params=None if webhook is None else {"fal_webhook": webhook}, json=body)

    def create(self, model: str = PIKA, *, webhook: str | None = None, **fields: JsonValue) -> dict[str, str]:
        """The answer to a create, with its links."""
        answer = self.post(model, webhook=webhook, **fields)
        assert answer.status_code == httpx.codes.OK, answer.text
        accepted: dict[str, str] = answer.json()
        return accepted

    def finish(self, accepted: dict[str, str]) -> httpx.Response:
        """Read the request until it ends, and return its result."""
        eventually(lambda: self.http.get(accepted["status_url"]).json()["status"] == "COMPLETED")
        return self.http.get(accepted["response_url"])


@dataclass(frozen=True)
class Gemini:
    """A client of the Gemini API."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(self, model: str = BANANA, *, version: str = "v1beta", **fields: JsonValue) -> httpx.Response:
        """The body of a background create; of a picture by default."""
        kind = "video" if "omni" in model else "image"
        wanted: dict[str, JsonValue] = {
            "model": model,
            "input": f"a boat {self.word}",
            "response_format": {"type": kind, "delivery": "uri"},
            "background": True,
        }
        return self.http.post(f"/gemini/{version}/interactions", json={**wanted, **fields})

    def create(self, model: str = BANANA, *, version: str = "v1beta", **fields: JsonValue) -> str:
        answer = self.post(model, version=version, **fields)
        assert answer.status_code == httpx.codes.OK, answer.text
        interaction_id: str = answer.json()["id"]
        return interaction_id

    def read(self, interaction_id: str) -> httpx.Response:
        return self.http.get(f"/gemini/v1beta/interactions/{interaction_id}")

    def cancel(self, interaction_id: str) -> httpx.Response:
        return self.http.post(f"/gemini/v1beta/interactions/{interaction_id}/cancel")

    def finish(self, interaction_id: str) -> dict[str, Any]:
        """Read the interaction until it ends, and return it."""
        eventually(lambda: self.read(interaction_id).json()["status"] not in {"queued", "in_progress"})
        interaction: dict[str, Any] = self.read(interaction_id).json()
        return interaction


@dataclass(frozen=True)
class OpenAIVideos:
    """A client of the OpenAI-compatible videos."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(self, *pictures: bytes, **fields: str) -> httpx.Response:
        """A create as OpenAI's client sends it: a form with or without a file."""
        parts: dict[str, tuple[str | None, bytes]] = {
            name: (None, value.encode()) for name, value in {"prompt": f"a boat {self.word}", **fields}.items()
        }
        for picture in pictures:
            parts["input_reference"] = ("first.png", picture)
        return self.http.post("/openai_videos/videos", files=parts)

    def create(self, **fields: str) -> str:
        answer = self.post(**fields)
        assert answer.status_code == httpx.codes.OK, answer.text
        video_id: str = answer.json()["id"]
        return video_id

    def read(self, video_id: str) -> httpx.Response:
        return self.http.get(f"/openai_videos/videos/{video_id}")

    def list(self, **query: str) -> httpx.Response:
        return self.http.get("/openai_videos/videos", params=query)

    def content(self, video_id: str, **query: str) -> httpx.Response:
        return self.http.get(f"/openai_videos/videos/{video_id}/content", params=query)

    def finish(self, video_id: str) -> dict[str, JsonValue]:
        """Read the video until it ends, and return it."""
        eventually(lambda: self.read(video_id).json()["status"] in {"completed", "failed"})
        video: dict[str, JsonValue] = self.read(video_id).json()
        return video


@dataclass(frozen=True)
class Vertex:
    """A client of Vertex AI."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def call(self, method: str, body: JsonValue, *, model: str = VEO, project: str = VERTEX_PROJECT) -> httpx.Response:
        path = f"projects/{project}/locations/us-central1/publishers/google/models/{model}:{method}"
        return self.http.post(f"/vertex/v1/{path}", json=body)

    def post(
        self,
        instance: dict[str, JsonValue] | None = None,
        parameters: dict[str, JsonValue] | None = None,
        *,
        model: str = VEO,
    ) -> httpx.Response:
        """The body of a create; of a video from text by default."""
        wanted: dict[str, JsonValue] = {"prompt": f"a boat {self.word}", **(instance or {})}
        body: JsonValue = {"instances": [wanted], "parameters": parameters or {}}
        return self.call("predictLongRunning", body, model=model)

    def create(self, instance: dict[str, JsonValue] | None = None, *, model: str = VEO, **parameters: JsonValue) -> str:
        """The name of the operation."""
        answer = self.post(instance, parameters, model=model)
        assert answer.status_code == httpx.codes.OK, answer.text
        name: str = answer.json()["name"]
        return name

    def read(self, name: str, *, model: str = VEO) -> httpx.Response:
        return self.call("fetchPredictOperation", {"operationName": name}, model=model)

    def object(self, gcs_uri: str, *, alt: str = "media") -> httpx.Response:
        bucket, _, name = gcs_uri.removeprefix("gs://").partition("/")
        return self.http.get(f"/vertex/storage/v1/b/{bucket}/o/{quote(name, safe='')}", params={"alt": alt})

    def finish(self, name: str, *, model: str = VEO) -> dict[str, Any]:
        """Read the operation until it ends, and return it."""
        eventually(lambda: self.read(name, model=model).json().get("done") is True)
        operation: dict[str, Any] = self.read(name, model=model).json()
        return operation


@dataclass(frozen=True)
class LongCat:
    """A client of a LongCat-Video endpoint."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(self, path: str = "", **fields: JsonValue) -> httpx.Response:
        return self.http.post(f"/longcat{path}", json={"prompt": f"a boat {self.word}", **fields})

    def create(self, **fields: JsonValue) -> str:
        answer = self.post("", **fields)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    def read(self, job_id: str) -> httpx.Response:
        return self.http.get(f"/longcat/{job_id}")

    def find(self, reference: str) -> httpx.Response:
        return self.http.get("/longcat", params={"reference": reference})

    def cancel(self, job_id: str) -> httpx.Response:
        return self.http.delete(f"/longcat/{job_id}")

    def finish(self, job_id: str) -> dict[str, Any]:
        """Read the job until it ends, and return it."""
        eventually(lambda: self.read(job_id).json()["status"] in {"succeeded", "failed", "cancelled"})
        job: dict[str, Any] = self.read(job_id).json()
        return job


@dataclass(frozen=True)
class Local:
    """A client of a model server."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(self, **fields: JsonValue) -> httpx.Response:
        body = {"pipeline": "ltx-video", "reference": token_hex(8), "prompt": f"a boat {self.word}", **fields}
        return self.http.post("/local/v1/jobs", json={name: value for name, value in body.items() if value is not None})

    def create(self, **fields: JsonValue) -> str:
        answer = self.post(**fields)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    def read(self, job_id: str) -> httpx.Response:
        return self.http.get(f"/local/v1/jobs/{job_id}")

    def find(self, reference: str) -> httpx.Response:
        return self.http.get("/local/v1/jobs", params={"reference": reference})

    def cancel(self, job_id: str) -> httpx.Response:
        return self.http.delete(f"/local/v1/jobs/{job_id}")

    def file(self, job_id: str, **headers: str) -> httpx.Response:
        return self.http.get(f"/local/v1/jobs/{job_id}/file", headers=headers)

    def finish(self, job_id: str) -> dict[str, Any]:
        """Read the job until it ends, and return it."""
        eventually(lambda: self.read(job_id).json()["status"] in {"succeeded", "failed", "cancelled"})
        job: dict[str, Any] = self.read(job_id).json()
        return job


@dataclass(frozen=True)
class OpenAIImages:
    """A client of the OpenAI-compatible pictures."""

    http: httpx.Client
    """Sends the requests."""
    word: str
    """The test's own word, in every prompt."""

    def post(self, **fields: JsonValue) -> httpx.Response:
        body = {"model": "dall-e-3", "prompt": f"a boat {self.word}", **fields}
        return self.http.post("/openai_images/images/generations", json=body)

    def models(self) -> httpx.Response:
        return self.http.get("/openai_images/models")


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    """The request's headers."""
    body: bytes
    """The request's body."""


@dataclass
class Receiver:
    """Receives callbacks. Answers with the given statuses first, then with 200."""

    url: str
    """The receiver's URL."""
    statuses: list[int] = field(default_factory=list)
    """Statuses of the next answers."""
    received: list[Received] = field(default_factory=list)
    """The callbacks so far."""

    def wait_for(self, count: int) -> list[Received]:
        eventually(lambda: len(self.received) >= count)
        return self.received


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A running receiver."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append(Received({key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(state.statuses.pop(0) if state.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Receiver(f"http://127.0.0.1:{server.server_address[1]}/callback")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()
