"""A LongCat-Video endpoint: the wire is ours."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from providers.adapters.longcat import wire
from providers.adapters.longcat.adapter import LongCat
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from schemas.provider_errors import ProviderError, ProviderOutcomeUnknown, ProviderUnavailable
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, Callback, Wire, account


class LongCatWire(Wire):
    """A LongCat-Video endpoint: the wire is ours."""

    refusals: ClassVar = {**HTTP_REFUSALS, 404: ProviderUnavailable, 409: ProviderOutcomeUnknown}
    request = ProviderRequest(
        "text-to-video", Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5, fps=15)
    )
    created = 202
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1
    may_lack_a_search = True

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return LongCat("longcat", account(base_url, timeout, ""), transport)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_body(model, inputs, reference="1")

    def accepted(self, remote_id: str) -> bytes:
        return self.queued(remote_id)

    def finished_at_once(self, remote_id: str, url: str) -> bytes:
        return json.dumps({"status": "succeeded", "video": {"url": url}}).encode()

    def queued(self, remote_id: str) -> bytes:
        return _longcat(remote_id, "queued", progress=0)

    def running(self, remote_id: str) -> bytes:
        return _longcat(remote_id, "running", progress=0.4)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _longcat(remote_id, "succeeded", progress=1, video={"url": urls[0]})

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _longcat(remote_id, "succeeded", video=None)

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _longcat(remote_id, "failed", error={"code": "out_of_memory", "message": reason})

    def cancelled(self, remote_id: str) -> bytes | None:
        return _longcat(remote_id, "cancelled")

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _longcat(remote_id, "pondering")

    def unknown_task(self) -> Answer:
        return http(404, json.dumps({"error": {"code": "not_found", "message": "there is none"}}).encode())

    def checked(self) -> bytes:
        return b'{"jobs": []}'

    def callback(self, remote_id: str, now: float) -> Callback | None:
        return None

    def callback_url_of(self, create: Request) -> str | None:
        return None

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        job = {"id": remote_id, "status": "running", "reference": str(generation_id)}
        return json.dumps({"jobs": [job]}).encode(), b'{"jobs": []}'

    def unknown_path(self) -> type[ProviderError]:
        return ProviderUnavailable


def _longcat(remote_id: str, status: str, **fields: object) -> bytes:
    return json.dumps({"id": remote_id, "status": status, **fields}).encode()


WIRE = LongCatWire()
