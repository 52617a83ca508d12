"""The model server of Reelworks: the wire is ours."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from providers.adapters.local import wire
from providers.adapters.local.adapter import ModelServer
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from providers.webhooks.standard_webhooks import sign
from schemas.orders import Inputs
from schemas.provider_errors import ProviderError, ProviderOutcomeUnknown, ProviderUnavailable
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, WEBHOOK_SECRET, Callback, Wire, account, files_of


class LocalWire(Wire):
    """The model server of Reelworks: the wire is ours."""

    refusals: ClassVar = {**HTTP_REFUSALS, 404: ProviderUnavailable, 409: ProviderOutcomeUnknown}
    request = ProviderRequest("ltx-video", Inputs(prompt=PROMPT, duration_seconds=5))
    created = 202
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1
    loses_work = True

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return ModelServer("local", account(base_url, timeout, WEBHOOK_SECRET), transport, clock=clock)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_body(model, inputs, files_of(inputs), reference="1", callback_url=None)

    def accepted(self, remote_id: str) -> bytes:
        return _job(remote_id, "queued")

    def queued(self, remote_id: str) -> bytes:
        return _job(remote_id, "queued", ahead=2)

    def running(self, remote_id: str) -> bytes:
        return _job(remote_id, "running", progress=0.4)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _job(remote_id, "succeeded", progress=1, file={"content_type": "video/mp4", "bytes": 100})

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _job(remote_id, "succeeded", file=None)

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _job(remote_id, "failed", error={"code": "pipeline_failed", "message": reason})

    def cancelled(self, remote_id: str) -> bytes | None:
        return _job(remote_id, "cancelled")

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _job(remote_id, "pondering")

    def unknown_task(self) -> Answer:
        return http(404, json.dumps({"error": {"code": "job_not_found", "message": "there is none"}}).encode())

    def checked(self) -> bytes:
        return b'{"pipelines": [{"name": "ltx-video", "kind": "video"}]}'

    def callback(self, remote_id: str, now: float) -> Callback:
        body = self.succeeded(remote_id, [])
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now)),
            "webhook-signature": sign(WEBHOOK_SECRET, "msg_1", int(now), body),
        }
        return Callback(headers, body)

    def callback_url_of(self, create: Request) -> str | None:
        url = json.loads(create.body).get("webhook_url")
        return None if url is None else str(url)

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        job = {"id": remote_id, "status": "running", "reference": str(generation_id)}
        return json.dumps({"jobs": [job]}).encode(), b'{"jobs": []}'

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        return [f"{base_url}/v1/jobs/{remote_id}/file"]

    def unknown_path(self) -> type[ProviderError]:
        return ProviderUnavailable


def _job(remote_id: str, status: str, **fields: object) -> bytes:
    job = {"id": remote_id, "status": status, "progress": 0, "ahead": None, "file": None, "error": None, **fields}
    return json.dumps(job).encode()


WIRE = LocalWire()
