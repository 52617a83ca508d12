"""OpenAI's wire for images. It has no states, so no call follows a create."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from providers.adapters.openai_images import wire
from providers.adapters.openai_images.adapter import OpenAIImages
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from schemas.provider_errors import ProviderError, ProviderUnavailable
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, Callback, Wire, account


class OpenAIImagesWire(Wire):
    """OpenAI's wire for images. It has no states, so no call follows a create."""

    refusals: ClassVar = {**HTTP_REFUSALS, 404: ProviderUnavailable}
    request = ProviderRequest("dall-e-3", Inputs(prompt=PROMPT, aspect_ratio="16:9"))
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1
    keeps_work = False

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return OpenAIImages("openai_images", account(base_url, timeout, ""), transport)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_body(model, inputs)

    def accepted(self, remote_id: str) -> bytes:
        return self.finished_at_once(remote_id, "https://media.example/1.png")

    def finished_at_once(self, remote_id: str, url: str) -> bytes:
        return json.dumps({"created": 1_700_000_000, "data": [{"url": url}]}).encode()

    def queued(self, remote_id: str) -> bytes:
        return b""

    def running(self, remote_id: str) -> bytes:
        return b""

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return b""

    def succeeded_with_nothing(self, remote_id: str) -> bytes | None:
        return None

    def failed(self, remote_id: str, reason: str) -> bytes:
        return b""

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return b""

    def unknown_task(self) -> Answer:
        return http(404)

    def checked(self) -> bytes:
        return json.dumps({"object": "list", "data": [{"id": "dall-e-3", "object": "model"}]}).encode()

    def callback(self, remote_id: str, now: float) -> Callback | None:
        return None

    def callback_url_of(self, create: Request) -> str | None:
        return None

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None

    def unknown_path(self) -> type[ProviderError]:
        return ProviderUnavailable


WIRE = OpenAIImagesWire()
