"""OpenAI's wire for videos."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from pydantic import SecretStr

from providers.adapters.openai_videos import wire
from providers.adapters.openai_videos.adapter import OpenAIVideos
from providers.adapters.openai_videos.engines import DIALECTS, Engine
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from schemas.provider_errors import ProviderError, ProviderUnavailable
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, WEBHOOK_SECRET, Callback, Wire, account


class OpenAIVideosWire(Wire):
    """OpenAI's wire for videos."""

    refusals: ClassVar = {**HTTP_REFUSALS, 404: ProviderUnavailable}
    request = ProviderRequest(
        "sora-2", Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=4)
    )
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return OpenAIVideos("openai_videos", account(base_url, timeout, WEBHOOK_SECRET), transport)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_form(model, inputs)

    def accepted(self, remote_id: str) -> bytes:
        return _openai_video(remote_id, "queued")

    def queued(self, remote_id: str) -> bytes | None:
        return _openai_video(remote_id, "queued")

    def running(self, remote_id: str) -> bytes:
        return _openai_video(remote_id, "in_progress", progress=33)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _openai_video(remote_id, "completed", progress=100)

    def succeeded_with_nothing(self, remote_id: str) -> bytes | None:
        return None

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _openai_video(remote_id, "failed", error={"code": "internal_error", "message": reason})

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _openai_video(remote_id, "pondering")

    def unknown_task(self) -> Answer:
        error = {"message": "not found", "type": "invalid_request_error", "param": None, "code": None}
        return http(404, json.dumps({"error": error}).encode())

    def checked(self) -> bytes:
        return json.dumps({"object": "list", "data": [], "has_more": False}).encode()

    def callback(self, remote_id: str, now: float) -> Callback | None:
        return None

    def callback_url_of(self, create: Request) -> str | None:
        return None

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        return [f"{base_url}/videos/{remote_id}/content"]

    def unknown_path(self) -> type[ProviderError]:
        return ProviderUnavailable


def _openai_video(remote_id: str, status: str, **fields: object) -> bytes:
    video = {"id": remote_id, "object": "video", "status": status, "progress": 0, "error": None, **fields}
    return json.dumps(video).encode()


class EngineWire(OpenAIVideosWire):
    """The wire of a server of one's own."""

    loses_work = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.stops_without_a_state = DIALECTS[engine].aborts
        self.stops_in_steps = DIALECTS[engine].aborts

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        settings = account(base_url, timeout, WEBHOOK_SECRET)
        options = {"engine": SecretStr(self._engine)}
        return OpenAIVideos("openai_videos", settings.model_copy(update={"options": options}), transport)

    def unknown_task(self) -> Answer:
        return http(404, b'{"detail": "Video not found"}')


class SGLangWire(EngineWire):
    """The wire of SGLang-diffusion: a video is `queued` until it is there."""

    def __init__(self) -> None:
        super().__init__(Engine.SGLANG)

    def queued(self, remote_id: str) -> bytes | None:
        return None

    def running(self, remote_id: str) -> bytes:
        return _openai_video(remote_id, "queued")


WIRE = OpenAIVideosWire()

FURTHER: Mapping[str, Wire] = {"of vLLM-Omni": EngineWire(Engine.VLLM_OMNI), "of SGLang": SGLangWire()}
