"""Kie's wires: Market, Veo and Runway."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from uuid import UUID

from providers.adapters.kie import wires
from providers.adapters.kie.adapter import Kie
from providers.adapters.kie.wire import signature
from providers.base import Provider, ProviderRequest, RemoteRef
from providers.http.transport import Transport
from schemas.orders import Inputs
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import PROMPT, WEBHOOK_KEY, Callback, Wire, account


class KieWire(Wire):
    """Kie Market."""

    request = ProviderRequest("google/nano-banana", Inputs(prompt=PROMPT, aspect_ratio="16:9", output_format="png"))
    created = 200
    credits: Decimal | None = Decimal(4)
    balance: Decimal | None = Decimal("12.5")
    most_results = 2

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Kie("kie", account(base_url, timeout, WEBHOOK_KEY), transport, clock=clock)

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        sources = {url: RemoteRef(f"task of {url}", "veo/veo3") for url in inputs.video_urls}
        return wires.to_body(ProviderRequest(model, inputs, sources=sources))

    def accepted(self, remote_id: str) -> bytes:
        return kie_answer({"taskId": remote_id})

    def queued(self, remote_id: str) -> bytes | None:
        return _record(remote_id, "queuing", resultJson="")

    def running(self, remote_id: str) -> bytes:
        return _record(remote_id, "generating", resultJson="")

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _record(remote_id, "success", resultJson=json.dumps({"resultUrls": urls}), creditsConsumed=4)

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _record(remote_id, "success", resultJson=json.dumps({"resultUrls": []}))

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _record(remote_id, "fail", failCode="500", failMsg=reason)

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _record(remote_id, "pondering")

    def unknown_task(self) -> Answer:
        return http(200, kie_answer(None, code=404, msg="not found"))

    def checked(self) -> bytes:
        return kie_answer(12.5)

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

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None


def _record(remote_id: str, state: str, **fields: object) -> bytes:
    return kie_answer(
        {"taskId": remote_id, "state": state, "resultJson": None, "failCode": None, "failMsg": None, **fields}
    )


def kie_answer(data: object, *, code: int = 200, msg: str = "success") -> bytes:
    """An answer of any of Kie's wires."""
    return json.dumps({"code": code, "msg": msg, "data": data}).encode()


class KieVeoWire(KieWire):
    """Veo at Kie."""

    request = ProviderRequest(
        "veo/veo3_fast", Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=8)
    )
    credits: Decimal | None = None

    def queued(self, remote_id: str) -> bytes | None:
        return None

    def running(self, remote_id: str) -> bytes:
        return _veo(remote_id, 0)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _veo(remote_id, 1, response={"taskId": remote_id, "resultUrls": urls, "resolution": "720p"})

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _veo(remote_id, 1, response={"taskId": remote_id, "resultUrls": []})

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _veo(remote_id, 3, errorCode=501, errorMessage=reason)

    def unknown_state(self, remote_id: str) -> bytes:
        return _veo(remote_id, 4)

    def unknown_task(self) -> Answer:
        return http(200, kie_answer(None, code=422, msg="record is null"))

    def callback(self, remote_id: str, now: float) -> Callback:
        info = {"resultUrls": "[https://media.example/1.mp4]", "originUrls": None, "resolution": "720p"}
        body = kie_answer({"taskId": remote_id, "info": info, "fallbackFlag": False})
        return Callback(super().callback(remote_id, now).headers, body)


class KieVeoExtensionWire(KieVeoWire):
    """Extensions of Veo's videos at Kie."""

    request = ProviderRequest(
        "veo-extend/veo3_fast",
        Inputs(prompt=PROMPT, video_urls=["generation:1"], duration_seconds=7),
        sources={"generation:1": RemoteRef("task_0", "veo/veo3_fast")},
    )


def _veo(remote_id: str, flag: int, **fields: object) -> bytes:
    record = {"taskId": remote_id, "successFlag": flag, "response": None, "errorCode": None, "errorMessage": ""}
    return kie_answer({**record, **fields})


class KieRunwayWire(KieWire):
    """Runway at Kie."""

    request = ProviderRequest(
        "runway/generate", Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5)
    )
    credits: Decimal | None = None
    most_results = 1

    def queued(self, remote_id: str) -> bytes:
        return kie_answer({"taskId": remote_id, "state": "queueing"})

    def running(self, remote_id: str) -> bytes:
        return kie_answer({"taskId": remote_id, "state": "generating"})

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        (url,) = urls
        video = {"videoId": "v1", "taskId": remote_id, "videoUrl": url, "imageUrl": "https://media.example/1.png"}
        return kie_answer({"taskId": remote_id, "state": "success", "videoInfo": video, "expireFlag": 0})

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return kie_answer({"taskId": remote_id, "state": "success", "videoInfo": {"videoUrl": ""}})

    def failed(self, remote_id: str, reason: str) -> bytes:
        return kie_answer({"taskId": remote_id, "state": "fail", "failCode": 500, "failMsg": reason})

    def unknown_state(self, remote_id: str) -> bytes:
        return kie_answer({"taskId": remote_id, "state": "pondering"})

    def callback(self, remote_id: str, now: float) -> Callback:
        data = {"task_id": remote_id, "video_id": "v1", "video_url": "https://media.example/1.mp4", "image_url": ""}
        return Callback(super().callback(remote_id, now).headers, kie_answer(data))


WIRE = KieWire()
FURTHER: Mapping[str, Wire] = {
    "veo": KieVeoWire(),
    "veo-extend": KieVeoExtensionWire(),
    "runway": KieRunwayWire(),
}
