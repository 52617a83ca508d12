"""Each vendor's wire, as the provider contract needs it: what the vendor says, and how a request looked to it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from providers.base import Provider, ProviderRequest
from providers.kie import Kie
from providers.kie_wire import signature
from providers.transport import Transport
from schemas.enums import ProviderName
from schemas.orders import Inputs
from schemas.settings import ProviderSettings
from tests.contract.raw_server import Request

API_KEY = "sk-secret-api-key"
WEBHOOK_KEY = "secret-webhook-key"
PROMPT = "a lighthouse that nobody may read about in a log"


@dataclass(frozen=True)
class Callback:
    """A callback as the gateway hands it to an adapter."""

    headers: dict[str, str]
    body: bytes


class Wire(Protocol):
    """A vendor's side of the contract. All replies are the bodies of an HTTP 200."""

    request: ProviderRequest

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider: ...
    def accepted(self, remote_id: str) -> bytes: ...
    def queued(self, remote_id: str) -> bytes: ...
    def running(self, remote_id: str) -> bytes: ...
    def succeeded(self, remote_id: str, urls: list[str]) -> bytes: ...
    def succeeded_with_nothing(self, remote_id: str) -> bytes: ...
    def failed(self, remote_id: str, reason: str) -> bytes: ...
    def unknown_state(self, remote_id: str) -> bytes: ...
    def unknown_task(self) -> bytes: ...
    def callback(self, remote_id: str, now: float) -> Callback: ...
    def callback_url_of(self, create: Request) -> str | None: ...


class KieWire:
    """Kie Market."""

    request = ProviderRequest("google/nano-banana", Inputs(prompt=PROMPT, aspect_ratio="16:9", output_format="png"))

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        settings = ProviderSettings(
            api_key=SecretStr(API_KEY),
            webhook_key=SecretStr(WEBHOOK_KEY),
            base_url=base_url,
            timeout_seconds=timeout,
        )
        return Kie(settings, transport, clock=clock)

    def accepted(self, remote_id: str) -> bytes:
        return _kie({"taskId": remote_id})

    def queued(self, remote_id: str) -> bytes:
        return _record(remote_id, "queuing", resultJson="")

    def running(self, remote_id: str) -> bytes:
        return _record(remote_id, "generating", resultJson="")

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _record(remote_id, "success", resultJson=json.dumps({"resultUrls": urls}), creditsConsumed=4)

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _record(remote_id, "success", resultJson=json.dumps({"resultUrls": []}))

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _record(remote_id, "fail", failCode="500", failMsg=reason)

    def unknown_state(self, remote_id: str) -> bytes:
        return _record(remote_id, "pondering")

    def unknown_task(self) -> bytes:
        return _kie(None, code=404, msg="not found")

    def callback(self, remote_id: str, now: float) -> Callback:
        timestamp = str(int(now))
        headers = {
            "x-webhook-timestamp": timestamp,
            "x-webhook-signature": signature(WEBHOOK_KEY, remote_id, timestamp),
        }
        return Callback(headers, self.succeeded(remote_id, ["https://media.example/1.png"]))

    def callback_url_of(self, create: Request) -> str | None:
        url = json.loads(create.body).get("callBackUrl")
        return None if url is None else str(url)


def _record(remote_id: str, state: str, **fields: object) -> bytes:
    return _kie({"taskId": remote_id, "state": state, "resultJson": None, "failCode": None, "failMsg": None, **fields})


def _kie(data: object, *, code: int = 200, msg: str = "success") -> bytes:
    return json.dumps({"code": code, "msg": msg, "data": data}).encode()


def wire_of(name: ProviderName) -> Wire:
    """The wire of a vendor."""
    match name:
        case ProviderName.KIE:
            return KieWire()
