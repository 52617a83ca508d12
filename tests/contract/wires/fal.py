"""fal's queue."""

import hashlib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from Crypto.Signature import eddsa

from providers.adapters.fal import inputs as fal_inputs
from providers.adapters.fal.adapter import Fal
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, Callback, Wire, account


class FalWire(Wire):
    """fal's queue."""

    refusals: ClassVar = HTTP_REFUSALS
    request = ProviderRequest(
        "fal-ai/pika/v2.2/text-to-video",
        Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5),
    )
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1
    stops_without_a_state = True

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Fal("fal", account(base_url, timeout, ""), transport, clock=clock, known_keys=FAL_KEYS)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return fal_inputs.to_input(model, inputs)

    def accepted(self, remote_id: str) -> bytes:
        url = f"https://queue.fal.run/fal-ai/pika/requests/{remote_id}"
        links = {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
        return _fal(remote_id, "IN_QUEUE", queue_position=3, **links)

    def queued(self, remote_id: str) -> bytes:
        return _fal(remote_id, "IN_QUEUE", queue_position=0)

    def running(self, remote_id: str) -> bytes:
        return _fal(remote_id, "IN_PROGRESS", logs=None)

    def succeeded(self, remote_id: str, urls: list[str]) -> tuple[bytes, ...]:
        (url,) = urls
        return _fal(remote_id, "COMPLETED"), json.dumps({"video": {"url": url, "content_type": "video/mp4"}}).encode()

    def succeeded_with_nothing(self, remote_id: str) -> tuple[bytes, ...]:
        return _fal(remote_id, "COMPLETED"), b"{}"

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _fal(remote_id, "COMPLETED", error=reason, error_type="runner_disconnected")

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _fal(remote_id, "PONDERING")

    def unknown_task(self) -> Answer:
        return http(404, json.dumps({"detail": "Request not found"}).encode())

    def checked(self) -> Answer:
        return self.unknown_task()

    def callback(self, remote_id: str, now: float) -> Callback:
        output = {"video": {"url": "https://media.example/1.mp4"}}
        body = json.dumps({"request_id": remote_id, "status": "OK", "payload": output}).encode()
        return Callback(fal_signed(remote_id, "user_1", str(int(now)), body), body)

    def callback_url_of(self, create: Request) -> str | None:
        return next(iter(parse_qs(urlsplit(create.target).query).get("fal_webhook", [])), None)

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None


FAL_KEY = eddsa.import_private_key(bytes(range(32)))
FAL_KEYS = json.dumps(
    {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}]}
).encode()


def fal_signed(request_id: str, user_id: str, timestamp: str, body: bytes) -> dict[str, str]:
    """The headers of a webhook that fal's key in `FAL_KEYS` has signed."""
    signed = "\n".join((request_id, user_id, timestamp, hashlib.sha256(body).hexdigest()))
    return {
        "x-fal-webhook-request-id": request_id,
        "x-fal-webhook-user-id": user_id,
        "x-fal-webhook-timestamp": timestamp,
        "x-fal-webhook-signature": eddsa.new(FAL_KEY, "rfc8032").sign(signed.encode()).hex(),
    }


def _fal(remote_id: str, status: str, **fields: object) -> bytes:
    return json.dumps({"request_id": remote_id, "status": status, **fields}).encode()


WIRE = FalWire()
