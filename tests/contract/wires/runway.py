"""Runway, which does not call back."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from providers.adapters.runway import forms
from providers.adapters.runway.adapter import Runway
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from schemas.provider_errors import ProviderOutcomeUnknown, ProviderRejected
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, Callback, Wire, account


class RunwayWire(Wire):
    """Runway, which does not call back."""

    refusals: ClassVar = {**HTTP_REFUSALS, 405: ProviderRejected, 502: ProviderOutcomeUnknown}
    request = ProviderRequest(
        "text_to_video/gen4.5", Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5)
    )
    created = 200
    credits: Decimal | None = Decimal(60)
    balance: Decimal | None = Decimal(990)
    most_results = 1

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Runway("runway", account(base_url, timeout, ""), transport)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return forms.to_body(model, inputs)

    def accepted(self, remote_id: str) -> bytes:
        return json.dumps({"id": remote_id, "estimatedCost": {"credits": 60}}).encode()

    def queued(self, remote_id: str) -> bytes:
        return _runway(remote_id, "THROTTLED", estimatedCost={"credits": 60})

    def running(self, remote_id: str) -> bytes:
        return _runway(remote_id, "RUNNING", progress=0.4)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _runway(remote_id, "SUCCEEDED", output=urls, cost={"credits": 60})

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _runway(remote_id, "SUCCEEDED", output=[])

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _runway(remote_id, "FAILED", failure=reason, failureCode="INTERNAL", cost={"credits": 0})

    def cancelled(self, remote_id: str) -> bytes | None:
        return _runway(remote_id, "CANCELLED", cost={"credits": 60})

    def stopped(self) -> Answer | None:
        return http(204)

    def unknown_state(self, remote_id: str) -> bytes:
        return _runway(remote_id, "PONDERING")

    def unknown_task(self) -> Answer:
        return http(404, json.dumps({"error": "there is none"}).encode())

    def checked(self) -> bytes:
        return json.dumps({"creditBalance": 990, "tier": {}, "usage": {}}).encode()

    def callback(self, remote_id: str, now: float) -> Callback | None:
        return None

    def callback_url_of(self, create: Request) -> str | None:
        return None

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None


def _runway(remote_id: str, status: str, **fields: object) -> bytes:
    return json.dumps({"id": remote_id, "status": status, "createdAt": "2026-11-20T09:00:00Z", **fields}).encode()


WIRE = RunwayWire()
