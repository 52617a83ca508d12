"""ComfyUI."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID

from pydantic import JsonValue, SecretStr

from providers.adapters.comfyui.adapter import ComfyUI
from providers.adapters.comfyui.values import values_for
from providers.adapters.comfyui.workflows import EXAMPLES, Named, read_folder
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from schemas.provider_errors import ProviderError, ProviderUnavailable
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, Callback, Wire, account

_EMPTY = b"{}"
# The id of the generic tests.
_REMOTE_ID = "task_1"
_MS = 1_795_921_422_937


class ComfyUIWire(Wire):
    """ComfyUI."""

    refusals: ClassVar = {**HTTP_REFUSALS, 404: ProviderUnavailable}
    request = ProviderRequest("qwen-image", Inputs(prompt=PROMPT, aspect_ratio="16:9", output_format="png"))
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1
    lists_work = True
    stops_in_steps = True

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        # A look at the websocket would take an answer of the test's server.
        options = {"workflows": SecretStr("examples"), "progress_seconds": SecretStr("0")}
        settings = account(base_url, timeout, "").model_copy(update={"options": options})
        return ComfyUI("comfyui", settings, transport, new_id=lambda: _REMOTE_ID)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        workflow = read_folder(EXAMPLES)[model]
        images = [f"uploaded {url}" for url in inputs.image_urls]
        values = values_for(workflow, inputs, images=images, free_seed=1)
        # The template's own frame rate is sent where an order says nothing. A seed that nobody chose is no choice.
        own = {"fps": workflow.own(Named.FPS)}
        return {**own, **{name: value for name, value in values.items() if name != "seed" or inputs.seed is not None}}

    def accepted(self, remote_id: str) -> bytes:
        return json.dumps({"prompt_id": remote_id, "number": 0, "node_errors": {}}).encode()

    def queued(self, remote_id: str) -> tuple[bytes, ...]:
        return _EMPTY, _queue(waiting=remote_id)

    def running(self, remote_id: str) -> tuple[bytes, ...]:
        return _EMPTY, _queue(running=remote_id)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        image = {"filename": f"{remote_id}_00001_.png", "subfolder": "reelworks", "type": "output"}
        return _ended(remote_id, "success", outputs={"10": {"images": [image]}})

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        query = {"filename": f"{remote_id}_00001_.png", "subfolder": "reelworks", "type": "output"}
        return [f"{base_url}/view?{urlencode(query)}"]

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _ended(remote_id, "success", outputs={})

    def failed(self, remote_id: str, reason: str) -> bytes:
        told = {"node_id": "8", "exception_message": f"{reason}\n", "exception_type": "RuntimeError"}
        return _ended(remote_id, "error", message=("execution_error", told))

    def cancelled(self, remote_id: str) -> bytes | None:
        return _ended(remote_id, "error", message=("execution_interrupted", {"node_id": "8"}))

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _ended(remote_id, "pondering")

    def unknown_task(self) -> Answer:
        # The server itself answers `{}`. This is a proxy without a server.
        return http(404, b"")

    def checked(self) -> bytes:
        return _queue()

    def callback(self, remote_id: str, now: float) -> Callback | None:
        return None

    def callback_url_of(self, create: Request) -> str | None:
        return None

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, tuple[bytes, ...]] | None:
        return _queue(running=remote_id, client_id=str(generation_id)), (_queue(), _EMPTY)

    def unknown_path(self) -> type[ProviderError]:
        return ProviderUnavailable


def _queue(*, running: str | None = None, waiting: str | None = None, client_id: str = "1") -> bytes:
    def entry(prompt_id: str) -> list[JsonValue]:
        return [3, prompt_id, {"2": {"class_type": "SaveImage", "inputs": {}}}, {"client_id": client_id}, ["2"]]

    queue = {
        "queue_running": [] if running is None else [entry(running)],
        "queue_pending": [] if waiting is None else [entry(waiting)],
    }
    return json.dumps(queue).encode()


def _ended(
    prompt_id: str,
    word: str,
    *,
    outputs: Mapping[str, object] | None = None,
    message: tuple[str, Mapping[str, object]] | None = None,
) -> bytes:
    begun = ["execution_start", {"prompt_id": prompt_id, "timestamp": _MS}]
    status = {"status_str": word, "completed": word == "success", "messages": [begun, *([message] if message else [])]}
    entry = {"prompt": [0, prompt_id, {}, {"client_id": "1"}, ["2"]], "outputs": outputs or {}, "status": status}
    return json.dumps({prompt_id: entry}).encode()


WIRE = ComfyUIWire()
