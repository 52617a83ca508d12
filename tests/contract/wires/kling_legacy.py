"""Kling's legacy dialect, with an API key."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from uuid import UUID

from providers.adapters.kling_legacy import wire
from providers.adapters.kling_legacy.adapter import KlingLegacy
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from providers.webhooks.standard_webhooks import sign
from schemas.orders import Inputs
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import PROMPT, WEBHOOK_SECRET, Callback, Wire, account
from tests.contract.wires.kling import kling_answer


class KlingLegacyWire(Wire):
    """Kling's legacy dialect, with an API key."""

    request = ProviderRequest(
        "text2video/kling-v2-6",
        Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="1080p", duration_seconds=5, audio=False),
    )
    created = 200
    credits: Decimal | None = Decimal("2.5")
    balance: Decimal | None = None
    most_results = 2

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return KlingLegacy("kling_legacy", account(base_url, timeout, WEBHOOK_SECRET), transport, clock=clock)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_body(model, inputs, external_id="1", callback_url=None)

    def accepted(self, remote_id: str) -> bytes:
        return kling_answer(_legacy_task(remote_id, "submitted"))

    def queued(self, remote_id: str) -> bytes:
        return kling_answer(_legacy_task(remote_id, "submitted"))

    def running(self, remote_id: str) -> bytes:
        return kling_answer(_legacy_task(remote_id, "processing"))

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        videos = [{"id": "v1", "url": url, "watermark_url": "", "duration": "5.1"} for url in urls]
        return kling_answer(
            _legacy_task(remote_id, "succeed", task_result={"videos": videos}, final_unit_deduction="2.5")
        )

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return kling_answer(_legacy_task(remote_id, "succeed", task_result={"videos": []}))

    def failed(self, remote_id: str, reason: str) -> bytes:
        return kling_answer(_legacy_task(remote_id, "failed", task_status_msg=reason))

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return kling_answer(_legacy_task(remote_id, "pondering"))

    def unknown_task(self) -> Answer:
        return http(400, _LEGACY_UNKNOWN)

    def checked(self) -> Answer:
        return self.unknown_task()

    def callback(self, remote_id: str, now: float) -> Callback:
        body = json.dumps(_legacy_task(remote_id, "processing")).encode()
        message_id, timestamp = f"msg_{remote_id}", int(now)
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(WEBHOOK_SECRET, message_id, timestamp, body),
        }
        return Callback(headers, body)

    def callback_url_of(self, create: Request) -> str | None:
        url = json.loads(create.body).get("callback_url")
        return None if url is None else str(url)

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes | tuple[bytes, ...]] | None:
        info = {"external_task_id": str(generation_id)}
        # Work from text and work from pictures are looked for one after the other.
        return kling_answer(_legacy_task(remote_id, "processing", task_info=info)), (_LEGACY_UNKNOWN, _LEGACY_UNKNOWN)


_LEGACY_UNKNOWN = json.dumps({"code": 1201, "message": "Task not found", "request_id": "r1"}).encode()


def _legacy_task(remote_id: str, status: str, **fields: object) -> dict[str, object]:
    return {"task_id": remote_id, "task_status": status, "task_status_msg": "", **fields}


WIRE = KlingLegacyWire()
