"""The wires of adapters that speak several, besides the one in `WIRES`."""

from collections.abc import Mapping
from decimal import Decimal

from providers.base import ProviderRequest
from schemas.orders import Inputs
from tests.contract.raw_server import Answer, http
from tests.contract.wires import PROMPT, Callback, KieWire, Wire, kie_answer


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


FURTHER_WIRES: Mapping[str, Wire] = {"kie veo": KieVeoWire(), "kie runway": KieRunwayWire()}
"""By the adapter's name, and a word."""
