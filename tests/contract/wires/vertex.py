"""Vertex AI's Veo, which does not call back."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from pydantic import SecretStr

from providers.adapters.vertex import wire
from providers.adapters.vertex.adapter import Vertex
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from schemas.provider_errors import ProviderAuthFailed, ProviderError, ProviderUnavailable
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, Callback, Wire, account, files_of


class VertexWire(Wire):
    """Vertex AI's Veo, which does not call back."""

    refusals: ClassVar = {**HTTP_REFUSALS, 403: ProviderAuthFailed, 404: ProviderUnavailable}
    request = ProviderRequest(
        "veo-3.1-generate-001",
        Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=8, audio=False),
    )
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        settings = account(base_url, timeout, "").model_copy(update={"options": {"project": SecretStr("films")}})
        return Vertex("vertex", settings, transport)

    def remote_id(self, task: str) -> str:
        return f"projects/films/locations/us-central1/publishers/google/models/{self.request.model}/operations/{task}"

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_body(model, inputs, files_of(inputs), storage_uri=None)

    def accepted(self, remote_id: str) -> bytes:
        return self.running(remote_id)

    def queued(self, remote_id: str) -> bytes | None:
        return None

    def running(self, remote_id: str) -> bytes:
        return self._operation(remote_id)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        videos = [{"gcsUri": "gs://films/sample_0.mp4", "mimeType": "video/mp4"}]
        return self._operation(remote_id, done=True, response={"raiMediaFilteredCount": 0, "videos": videos})

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return self._operation(remote_id, done=True, response={"raiMediaFilteredCount": 0})

    def failed(self, remote_id: str, reason: str) -> bytes:
        return self._operation(remote_id, done=True, error={"code": 13, "message": reason})

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return self._operation(remote_id, done="pondering")

    def unknown_task(self) -> Answer:
        error = {"code": 404, "message": "not found", "status": "NOT_FOUND"}
        return http(404, json.dumps({"error": error}).encode())

    def checked(self) -> bytes:
        return b"{}"

    def callback(self, remote_id: str, now: float) -> Callback | None:
        return None

    def callback_url_of(self, create: Request) -> str | None:
        return None

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        return ["gs://films/sample_0.mp4"]

    def unknown_path(self) -> type[ProviderError]:
        return ProviderUnavailable

    def _operation(self, remote_id: str, **fields: object) -> bytes:
        return json.dumps({"name": self.remote_id(remote_id), **fields}).encode()


WIRE = VertexWire()
