"""Requests of new-api, n8n, Open WebUI and LibreChat, each answered as the software reads the answer."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sandbox.scenarios import Scenario
from tests.e2e.clients.conftest import SHORT
from tests.e2e.clients.replay import names, replay
from tests.e2e.conftest import System
from tests.support import NewCustomer, eventually

pytestmark = pytest.mark.slow

PNG = b"\x89PNG"
ENDED = {"completed", "failed"}

# Each prompt begins with one of these.
PROMPTS = ("A video of a cat playing with a ball", "A cat and its ball")

NEW_API_TYPES: Mapping[str, type] = {
    "id": str, "object": str, "model": str, "status": str, "progress": int, "created_at": int, "completed_at": int,
    "expires_at": int, "seconds": str, "size": str, "remixed_from_video_id": str, "error": dict,
}  # fmt: skip
"""The types of new-api's structure. Go refuses another type. Go takes null for any type."""


@pytest.fixture(scope="module", autouse=True)
def _fast_sandbox(system: System) -> None:
    for prompt in PROMPTS:
        scenario = {"match": {"prompt_contains": prompt}, "seconds": 0.2, "delivered": SHORT}
        system.sandbox.add_scenario(Scenario.model_validate(scenario))


@dataclass(frozen=True)
class Fetched:
    """A video, as the sender of its order polled and fetched it."""

    told: list[Any]
    """Each answer about the video."""
    content: httpx.Response
    """The file."""


def fetched(system: System, customer: NewCustomer, video: Any) -> Fetched:
    """Poll a video until its end, and fetch it."""
    path, told = f"/openai/v1/videos/{video['id']}", [video]

    def poll() -> str:
        told.append(system.http.get(path, headers=customer.headers).raise_for_status().json())
        return str(told[-1]["status"])

    assert eventually(poll, ENDED.__contains__) == "completed"
    return Fetched(told, system.http.get(f"{path}/content", headers=customer.headers))


def check_new_api(answer: Fetched) -> None:
    """Check the words of the status, and the type of each member."""
    for video in answer.told:
        assert video["status"] in {"queued", "in_progress", "completed"}
        wrong = {name for name, kind in NEW_API_TYPES.items() if not isinstance(video[name], kind | None)}
        assert not wrong


def check_n8n(answer: Fetched) -> None:
    """Check `error`, of which each true value is a failure for n8n, and the type of the file."""
    assert not any(video["error"] for video in answer.told)
    assert answer.content.headers["content-type"] == "video/mp4"


CHECKS: Mapping[str, Callable[[Fetched], None]] = {
    "new-api-json": check_new_api,
    "new-api-form": check_new_api,
    "n8n-video": check_n8n,
    "n8n-video-from-file": check_n8n,
}
"""The checks of the videos, by the names of the requests. The other requests order images."""


@pytest.mark.parametrize("name", CHECKS)
def test_recorded_order_of_a_video_is_made(system: System, name: str) -> None:
    customer = system.customer()
    answer = replay(name, system.stack.gateway_url, customer.api_key)
    assert answer.status == httpx.codes.OK, answer.body
    video = fetched(system, customer, answer.body)
    assert video.content.content[4:8] == b"ftyp"
    CHECKS[name](video)


@pytest.mark.parametrize("name", [name for name in names() if name not in CHECKS])
def test_recorded_order_of_an_image_is_answered_with_its_bytes(system: System, name: str) -> None:
    answer = replay(name, system.stack.gateway_url, system.customer().api_key)
    assert answer.status == httpx.codes.OK, answer.body
    (image,) = answer.body["data"]
    assert base64.b64decode(image["b64_json"]).startswith(PNG)
    # Open WebUI fetches `url` instead where there is one.
    assert "url" not in image
