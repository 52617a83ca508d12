"""Replicate."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from providers.adapters.replicate import wire
from providers.adapters.replicate.adapter import Replicate
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from providers.webhooks.standard_webhooks import sign
from schemas.orders import Inputs
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, WEBHOOK_SECRET, Callback, Wire, account


class ReplicateWire(Wire):
    """Replicate."""

    refusals: ClassVar = HTTP_REFUSALS
    request = ProviderRequest(
        "black-forest-labs/flux-schnell", Inputs(prompt=PROMPT, aspect_ratio="16:9", output_format="png")
    )
    created = 201
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 2

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Replicate("replicate", account(base_url, timeout, WEBHOOK_SECRET), transport, clock=clock)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_input(model, inputs)

    def accepted(self, remote_id: str) -> bytes:
        return self.queued(remote_id)

    def queued(self, remote_id: str) -> bytes:
        return _prediction(remote_id, "starting")

    def running(self, remote_id: str) -> bytes:
        return _prediction(remote_id, "processing")

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _prediction(remote_id, "succeeded", output=urls)

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _prediction(remote_id, "succeeded", output=[])

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _prediction(remote_id, "failed", error=reason)

    def cancelled(self, remote_id: str) -> bytes | None:
        return _prediction(remote_id, "canceled")

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _prediction(remote_id, "pondering")

    def unknown_task(self) -> Answer:
        return http(404, json.dumps({"title": "Not found", "status": 404, "detail": "there is none"}).encode())

    def checked(self) -> bytes:
        return json.dumps({"key": WEBHOOK_SECRET}).encode()

    def callback(self, remote_id: str, now: float) -> Callback:
        body = self.succeeded(remote_id, ["https://media.example/1.png"])
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now)),
            "webhook-signature": sign(WEBHOOK_SECRET, "msg_1", int(now), body),
        }
        return Callback(headers, body)

    def callback_url_of(self, create: Request) -> str | None:
        url = json.loads(create.body).get("webhook")
        return None if url is None else str(url)

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None


def _prediction(remote_id: str, status: str, *, output: object = None, error: str | None = None) -> bytes:
    return json.dumps({"id": remote_id, "status": status, "output": output, "error": error, "logs": ""}).encode()


WIRE = ReplicateWire()
