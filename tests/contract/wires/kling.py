"""Kling's new dialect."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from uuid import UUID

from providers.adapters.kling import wire
from providers.adapters.kling.adapter import Kling
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from providers.webhooks.standard_webhooks import sign
from schemas.orders import Inputs
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import PROMPT, WEBHOOK_SECRET, Callback, Wire, account


class KlingWire(Wire):
    """Kling's new dialect."""

    request = ProviderRequest(
        "text-to-video/kling-3.0",
        Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5, audio=False),
    )
    created = 200
    credits: Decimal | None = Decimal(4)
    balance: Decimal | None = None
    most_results = 2

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Kling("kling", account(base_url, timeout, WEBHOOK_SECRET), transport, clock=clock)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_body(model, inputs, external_id="1", callback_url=None)

    def accepted(self, remote_id: str) -> bytes:
        return kling_answer(_kling_task(remote_id, "submitted"))

    def queued(self, remote_id: str) -> bytes:
        return kling_answer([_kling_task(remote_id, "submitted")])

    def running(self, remote_id: str) -> bytes:
        return kling_answer([_kling_task(remote_id, "processing")])

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        outputs = [{"type": "video", "id": "v1", "url": url, "watermark_url": "", "duration": "5.1"} for url in urls]
        billing = [{"charge_type": "unit", "amount": "4", "package_type": "video"}]
        return kling_answer([_kling_task(remote_id, "succeeded", outputs=outputs, billing=billing)])

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return kling_answer([_kling_task(remote_id, "succeeded", outputs=[])])

    def failed(self, remote_id: str, reason: str) -> bytes:
        return kling_answer([_kling_task(remote_id, "failed", message=reason)])

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return kling_answer([_kling_task(remote_id, "pondering")])

    def unknown_task(self) -> Answer:
        return http(200, kling_answer([]))

    def checked(self) -> bytes:
        return kling_answer([])

    def callback(self, remote_id: str, now: float) -> Callback:
        body = json.dumps(_kling_task(remote_id, "processing")).encode()
        message_id, timestamp = f"msg_{remote_id}", int(now)
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(WEBHOOK_SECRET, message_id, timestamp, body),
        }
        return Callback(headers, body)

    def callback_url_of(self, create: Request) -> str | None:
        url = json.loads(create.body)["options"].get("callback_url")
        return None if url is None else str(url)

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return kling_answer([_kling_task(remote_id, "processing", external_id=str(generation_id))]), kling_answer([])


def _kling_task(remote_id: str, status: str, **fields: object) -> dict[str, object]:
    return {"id": remote_id, "status": status, "message": "", **fields}


def kling_answer(data: object) -> bytes:
    """An answer of Kling's, in either dialect."""
    return json.dumps({"code": 0, "message": "SUCCEED", "request_id": "r1", "data": data}).encode()


WIRE = KlingWire()
