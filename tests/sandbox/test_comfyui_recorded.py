"""The simulated ComfyUI server answers as the recorded one: each recorded request is sent, and its answer compared.

The messages of whole runs are compared one by one. Of a cancelled run, only the messages of its end are.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.sandbox import comfyui_recorded as recorded
from tests.sandbox.comfyui_recorded import A, B, C, D, E
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, eventually

_TIME = re.compile(r"^\d{13}$")
_SAVED = re.compile(r"^st_\d{5}_\.png$")
_IDS = {
    A: "7ab39388-220a-4fbd-bb87-b5a34339252e",
    B: "04ffb384-b164-4238-8903-8c4afb53284f",
    C: "7c0eaed6-8ac8-463d-96d2-bac39b94ed88",
    D: "10893b2b-11ea-47b4-8f5d-4d1b58f2e02c",
    E: "a5b1da0d-aabb-4eb8-9d1a-3b1a7353008d",
}
_LETTERS = {prompt_id: letter for letter, prompt_id in _IDS.items()}


def told(value: Any) -> Any:
    """An answer with the recorded names in place of ids, times and file names, and without tensors."""
    match value:
        case dict():
            kept = {name: each for name, each in value.items() if not _is_tensor(each)}
            return {_LETTERS.get(name, name): told(each) for name, each in kept.items()}
        case list():
            return [told(each) for each in value]
        case int() if not isinstance(value, bool) and _TIME.match(str(value)):
            return recorded.MS
        case str():
            return _LETTERS.get(value, recorded.FILE if _SAVED.match(value) else value)
    return value


def _is_tensor(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1 and str(value[0]).startswith("tensor(")


@dataclass
class Recorded:
    """A client of the server, connected to its websocket as `rw1`."""

    http: httpx.Client
    socket: ClientConnection

    def create(self, letter: str, graph: dict[str, Any]) -> Any:
        body = {"prompt": graph, "client_id": "rw1", "prompt_id": _IDS[letter]}
        return told(self.http.post("/prompt", json=body).raise_for_status().json())

    def history(self, letter: str) -> Any:
        return told(self.http.get(f"/history/{_IDS[letter]}").raise_for_status().json())

    def queue(self) -> Any:
        return told(self.http.get("/queue").raise_for_status().json())

    def messages(self, count: int) -> list[Any]:
        return [told(json.loads(self.socket.recv(timeout=PATIENCE_SECONDS))) for _ in range(count)]

    def until(self, kind: str) -> Any:
        """The next message of a kind."""
        while (message := self.messages(1)[0])["type"] != kind:
            pass
        return message


@pytest.fixture
def server(sandbox_url: str) -> Iterator[Recorded]:
    headers = {"Authorization": f"Bearer {KEY}"}
    address = f"{sandbox_url}/comfyui"
    httpx.post(f"{sandbox_url}/_sandbox/restarts", json={"vendor": "comfyui"}, trust_env=False).raise_for_status()
    ws = address.replace("http://", "ws://", 1)
    with (
        httpx.Client(base_url=address, headers=headers, trust_env=False) as http,
        # With a full queue of unread messages, the client would not see the server's end of the connection.
        connect(f"{ws}/ws?clientId=rw1", additional_headers=headers, proxy=None, max_queue=None) as socket,
    ):
        recorder = Recorded(http, socket)
        assert recorder.messages(1) == recorded.MESSAGES["hello"]
        yield recorder


def test_run_is_told_step_by_step_and_an_equal_graph_answers_with_its_file(server: Recorded) -> None:
    assert server.create(A, recorded.SUCCESS) == recorded.accepted(A, 0)
    assert server.messages(len(recorded.MESSAGES[A])) == recorded.MESSAGES[A]
    assert server.history(A) == recorded.success(0, A, [])

    assert server.create(B, recorded.SUCCESS) == recorded.accepted(B, 1)
    assert server.messages(len(recorded.MESSAGES[B])) == recorded.MESSAGES[B]
    assert server.history(B) == recorded.success(1, B, ["1", "3", "2"])
    files = [server.http.get(f"/history/{_IDS[each]}").json()[_IDS[each]]["outputs"] for each in (A, B)]
    assert files[0] == files[1]


def test_failure_is_told_with_its_exception(server: Recorded) -> None:
    server.create(A, recorded.SUCCESS)
    server.messages(len(recorded.MESSAGES[A]))
    assert server.create(C, recorded.FAILURE) == recorded.accepted(C, 1)
    assert server.messages(len(recorded.MESSAGES[C])) == recorded.MESSAGES[C]
    end = ["execution_error", recorded.ERROR]
    assert server.history(C) == recorded.entry(1, C, recorded.FAILURE, "error", ["1"], end)


def test_waiting_prompt_is_deleted_and_an_interrupt_stops_its_own_prompt_alone(server: Recorded) -> None:
    server.create(A, recorded.SUCCESS)
    server.messages(len(recorded.MESSAGES[A]))
    server.create(D, recorded.LONG)
    server.create(E, recorded.WAITING)
    server.until("progress")
    long, waiting = recorded.record(1, D, recorded.LONG), recorded.record(2, E, recorded.WAITING)
    assert server.queue() == {"queue_running": [long], "queue_pending": [waiting]}

    deleted = server.http.post("/queue", json={"delete": [_IDS[E]]})
    assert (deleted.status_code, deleted.text) == (200, "")
    assert server.queue() == {"queue_running": [long], "queue_pending": []}
    assert server.history(E) == {}

    unheeded = server.http.post("/interrupt", json={"prompt_id": _IDS[E]})
    assert (unheeded.status_code, unheeded.text) == (200, "")
    server.until("progress")
    assert server.queue()["queue_running"] == [long]

    assert server.http.post("/interrupt", json={"prompt_id": _IDS[D]}).status_code == 200
    assert server.until("execution_interrupted")["data"] == recorded.INTERRUPTED
    assert server.until("executing")["data"] == {"node": None, "prompt_id": D}
    end = ["execution_interrupted", recorded.INTERRUPTED]
    assert server.history(D) == recorded.entry(1, D, recorded.LONG, "error", ["1"], end)


@pytest.mark.parametrize(("body", "status", "answer"), recorded.REFUSALS)
def test_refusals(server: Recorded, body: Any, status: int, answer: Any) -> None:
    refused = server.http.post("/prompt", json=body)
    assert (refused.status_code, refused.json()) == (status, answer)
    assert server.queue() == {"queue_running": [], "queue_pending": []}


def test_other_recorded_answers(server: Recorded) -> None:
    crashed = server.http.post("/prompt", content=b"null")
    assert (crashed.status_code, crashed.text) == (500, "500 Internal Server Error\n\nServer got itself in trouble")
    absent = server.http.get("/view", params={"filename": "absent.png", "type": "output"})
    assert (absent.status_code, absent.text) == (404, "")
    assert server.http.get("/prompt").json() == {"exec_info": {"queue_remaining": 0}}
    assert server.http.get("/features").json() == {"supports_preview_metadata": True, "max_upload_size": 104857600}
    assert server.http.get("/api/queue").json() == {"queue_running": [], "queue_pending": []}
    assert server.http.get("/api/jobs").status_code == 404
    described = server.http.get("/object_info/SaveImage").json()["SaveImage"]
    assert (described["name"], described["output_node"], described["output"]) == ("SaveImage", True, [])
    uploaded = server.http.post("/upload/image", files={"image": ("in.png", b"a picture")})
    assert (uploaded.status_code, uploaded.json()) == (200, {"name": "in.png", "subfolder": "", "type": "input"})


def test_an_id_that_comes_twice_is_queued_twice(server: Recorded) -> None:
    server.create(D, recorded.LONG)
    server.create(D, recorded.LONG)
    server.until("progress")
    queue = server.queue()
    assert [each[1] for each in (*queue["queue_running"], *queue["queue_pending"])] == [D, D]


@pytest.mark.parametrize("state", ["never sent", "waiting", "running", "deleted", "lost"])
def test_history_is_empty_for_every_prompt_that_has_not_ended(server: Recorded, state: str) -> None:
    if state in {"waiting", "running", "deleted", "lost"}:
        server.create(D, recorded.LONG)
        server.create(E, recorded.WAITING)
        server.until("progress")
    letter = {"waiting": E, "deleted": E}.get(state, D)
    if state == "deleted":
        server.http.post("/queue", json={"delete": [_IDS[E]]})
    if state == "lost":
        url = str(server.http.base_url).replace("/comfyui/", "/_sandbox/restarts")
        httpx.post(url, json={"vendor": "comfyui"}, trust_env=False).raise_for_status()
        assert server.queue() == {"queue_running": [], "queue_pending": []}
    answer = server.http.get(f"/history/{_IDS[letter]}")
    assert (answer.status_code, answer.json()) == (200, {})


def test_restart_keeps_files_and_nothing_else(server: Recorded) -> None:
    server.create(A, recorded.SUCCESS)
    server.messages(len(recorded.MESSAGES[A]))
    (image,) = server.http.get(f"/history/{_IDS[A]}").json()[_IDS[A]]["outputs"]["2"]["images"]
    url = str(server.http.base_url).replace("/comfyui/", "/_sandbox/restarts")
    httpx.post(url, json={"vendor": "comfyui"}, trust_env=False).raise_for_status()

    assert server.history(A) == {}
    assert server.http.get("/view", params=image).headers["Content-Type"] == "image/png"
    assert server.create(B, recorded.SUCCESS) == recorded.accepted(B, 0)
    eventually(lambda: bool(server.history(B)))
    (again,) = server.http.get(f"/history/{_IDS[B]}").json()[_IDS[B]]["outputs"]["2"]["images"]
    assert again["filename"] > image["filename"]


def test_video_stands_under_images_with_a_flag(server: Recorded) -> None:
    graph = {
        "1": recorded.SUCCESS["1"],
        "3": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 8}},
        "2": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["3", 0], "filename_prefix": "st", "format": "auto", "codec": "auto"},
        },
    }
    server.create(A, graph)
    eventually(lambda: bool(server.history(A)))
    (output,) = server.http.get(f"/history/{_IDS[A]}").json()[_IDS[A]]["outputs"].values()
    assert set(output) == {"images", "animated"}
    (file,) = output["images"]
    assert (file["filename"].endswith(".mp4"), file["type"], output["animated"]) == (True, "output", [True])


def test_interrupt_without_an_id_stops_whatever_runs(server: Recorded) -> None:
    server.create(D, recorded.LONG)
    server.until("progress")
    server.http.post("/interrupt", json={})
    assert server.until("execution_interrupted")["data"]["prompt_id"] == D
