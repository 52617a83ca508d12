"""Each vendor's wire, as the provider contract needs it: what the vendor says, and how a request looked to it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import jwt
from Crypto.Signature import eddsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from pydantic import SecretStr

from providers.adapters.fal.adapter import Fal
from providers.adapters.gemini.adapter import Gemini
from providers.adapters.kie.adapter import Kie
from providers.adapters.kie.wire import signature
from providers.adapters.kling.adapter import Kling
from providers.adapters.kling_legacy.adapter import KlingLegacy
from providers.adapters.openai_videos.adapter import OpenAIVideos
from providers.adapters.replicate.adapter import Replicate
from providers.adapters.runway.adapter import Runway
from providers.adapters.vertex.adapter import Vertex
from providers.base import Provider, ProviderRequest
from providers.standard_webhooks import sign
from providers.transport import Transport
from schemas.errors import ProviderError, ProviderRejected, ProviderUnavailable
from schemas.orders import Inputs
from schemas.settings import ProviderSettings
from tests.contract.raw_server import Answer, Request, http

API_KEY = "sk-secret-api-key"
WEBHOOK_KEY = "secret-webhook-key"
WEBHOOK_SECRET = "whsec_c2VjcmV0LXdlYmhvb2sta2V5"
PROMPT = "a lighthouse that nobody may read about in a log"


@dataclass(frozen=True)
class Callback:
    """A callback as the gateway hands it to an adapter."""

    headers: dict[str, str]
    body: bytes


class Wire(Protocol):
    """A vendor's side of the contract. Bytes are the body of an HTTP 200, those of `accepted` of the status `created`.

    A `remote_id` is how a test calls the task. An end that takes several reads is the body of each. `queued` is None
    where waiting and running are one state, `cancelled` where the vendor cannot cancel, or has no state for it,
    `callback` where it calls nobody back, `succeeded_with_nothing` where a success always has a result. `stopped` is
    the answer to a call that stops work and tells no state: then the state is read first, and what is gone was stopped;
    None where a cancel is answered with the state. `look_ups`, what a search by our own id finds and what it says when
    there is nothing, is None where the vendor keeps no such id.
    """

    request: ProviderRequest
    created: int
    credits: Decimal | None
    """What the vendor says in `succeeded` that it charged; None where it says nothing."""
    balance: Decimal | None
    """What the vendor says in `checked` that is left."""
    most_results: int
    """How many files a task can make, of two."""
    key_header: str = "authorization"
    """The header that carries the key."""

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider: ...
    def accepted(self, remote_id: str) -> bytes: ...
    def queued(self, remote_id: str) -> bytes | None: ...
    def running(self, remote_id: str) -> bytes: ...
    def succeeded(self, remote_id: str, urls: list[str]) -> bytes | tuple[bytes, ...]: ...
    def succeeded_with_nothing(self, remote_id: str) -> bytes | tuple[bytes, ...] | None: ...
    def failed(self, remote_id: str, reason: str) -> bytes: ...
    def cancelled(self, remote_id: str) -> bytes | None: ...
    def stopped(self) -> Answer | None: ...
    def unknown_state(self, remote_id: str) -> bytes: ...
    def unknown_task(self) -> Answer: ...
    def checked(self) -> bytes | Answer: ...
    def callback(self, remote_id: str, now: float) -> Callback | None: ...
    def callback_url_of(self, create: Request) -> str | None: ...
    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes | tuple[bytes, ...]] | None: ...

    def remote_id(self, task: str) -> str:
        """What the vendor calls the task that a test calls so."""
        return task

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        """Where the results of `succeeded` are, at an account with this base URL."""
        return urls

    def unknown_path(self) -> type[ProviderError]:
        """What it means that a create is answered with a bare 404."""
        return ProviderRejected


class KieWire(Wire):
    """Kie Market."""

    request = ProviderRequest("google/nano-banana", Inputs(prompt=PROMPT, aspect_ratio="16:9", output_format="png"))
    created = 200
    credits: Decimal | None = Decimal(4)
    balance: Decimal | None = Decimal("12.5")
    most_results = 2

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Kie("kie", _account(base_url, timeout, WEBHOOK_KEY), transport, clock=clock)

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
    """An answer of Kie's, whichever family it is of."""
    return json.dumps({"code": code, "msg": msg, "data": data}).encode()


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
        return Kling("kling", _account(base_url, timeout, WEBHOOK_SECRET), transport, clock=clock)

    def accepted(self, remote_id: str) -> bytes:
        return _kling(_kling_task(remote_id, "submitted"))

    def queued(self, remote_id: str) -> bytes:
        return _kling([_kling_task(remote_id, "submitted")])

    def running(self, remote_id: str) -> bytes:
        return _kling([_kling_task(remote_id, "processing")])

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        outputs = [{"type": "video", "id": "v1", "url": url, "watermark_url": "", "duration": "5.1"} for url in urls]
        billing = [{"charge_type": "unit", "amount": "4", "package_type": "video"}]
        return _kling([_kling_task(remote_id, "succeeded", outputs=outputs, billing=billing)])

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _kling([_kling_task(remote_id, "succeeded", outputs=[])])

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _kling([_kling_task(remote_id, "failed", message=reason)])

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _kling([_kling_task(remote_id, "pondering")])

    def unknown_task(self) -> Answer:
        return http(200, _kling([]))

    def checked(self) -> bytes:
        return _kling([])

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
        return _kling([_kling_task(remote_id, "processing", external_id=str(generation_id))]), _kling([])


def _kling_task(remote_id: str, status: str, **fields: object) -> dict[str, object]:
    return {"id": remote_id, "status": status, "message": "", **fields}


def _kling(data: object) -> bytes:
    return json.dumps({"code": 0, "message": "SUCCEED", "request_id": "r1", "data": data}).encode()


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
        return KlingLegacy("kling_legacy", _account(base_url, timeout, WEBHOOK_SECRET), transport, clock=clock)

    def accepted(self, remote_id: str) -> bytes:
        return _kling(_legacy_task(remote_id, "submitted"))

    def queued(self, remote_id: str) -> bytes:
        return _kling(_legacy_task(remote_id, "submitted"))

    def running(self, remote_id: str) -> bytes:
        return _kling(_legacy_task(remote_id, "processing"))

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        videos = [{"id": "v1", "url": url, "watermark_url": "", "duration": "5.1"} for url in urls]
        return _kling(_legacy_task(remote_id, "succeed", task_result={"videos": videos}, final_unit_deduction="2.5"))

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _kling(_legacy_task(remote_id, "succeed", task_result={"videos": []}))

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _kling(_legacy_task(remote_id, "failed", task_status_msg=reason))

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _kling(_legacy_task(remote_id, "pondering"))

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
        return _kling(_legacy_task(remote_id, "processing", task_info=info)), (_LEGACY_UNKNOWN, _LEGACY_UNKNOWN)


_LEGACY_UNKNOWN = json.dumps({"code": 1201, "message": "Task not found", "request_id": "r1"}).encode()


def _legacy_task(remote_id: str, status: str, **fields: object) -> dict[str, object]:
    return {"task_id": remote_id, "task_status": status, "task_status_msg": "", **fields}


class ReplicateWire(Wire):
    """Replicate."""

    request = ProviderRequest(
        "black-forest-labs/flux-schnell", Inputs(prompt=PROMPT, aspect_ratio="16:9", output_format="png")
    )
    created = 201
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 2

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Replicate("replicate", _account(base_url, timeout, WEBHOOK_SECRET), transport, clock=clock)

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


class OpenAIVideosWire(Wire):
    """The videos wire that OpenAI left to others."""

    request = ProviderRequest(
        "sora-2", Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=4)
    )
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return OpenAIVideos("openai_videos", _account(base_url, timeout, WEBHOOK_SECRET), transport)

    def accepted(self, remote_id: str) -> bytes:
        return self.queued(remote_id)

    def queued(self, remote_id: str) -> bytes:
        return _openai_video(remote_id, "queued")

    def running(self, remote_id: str) -> bytes:
        return _openai_video(remote_id, "in_progress", progress=33)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        return _openai_video(remote_id, "completed", progress=100)

    def succeeded_with_nothing(self, remote_id: str) -> bytes | None:
        return None

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _openai_video(remote_id, "failed", error={"code": "internal_error", "message": reason})

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _openai_video(remote_id, "pondering")

    def unknown_task(self) -> Answer:
        error = {"message": "not found", "type": "invalid_request_error", "param": None, "code": None}
        return http(404, json.dumps({"error": error}).encode())

    def checked(self) -> bytes:
        return json.dumps({"object": "list", "data": [], "has_more": False}).encode()

    def callback(self, remote_id: str, now: float) -> Callback | None:
        return None

    def callback_url_of(self, create: Request) -> str | None:
        return None

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        return [f"{base_url}/videos/{remote_id}/content"]

    def unknown_path(self) -> type[ProviderError]:
        return ProviderUnavailable


class RunwayWire(Wire):
    """Runway, which does not call back."""

    request = ProviderRequest(
        "text_to_video/gen4.5", Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5)
    )
    created = 200
    credits: Decimal | None = Decimal(60)
    balance: Decimal | None = Decimal(990)
    most_results = 1

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Runway("runway", _account(base_url, timeout, ""), transport)

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


class GeminiWire(Wire):
    """The Gemini API's interactions."""

    request = ProviderRequest(
        "gemini-omni-1.1-flash",
        Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=8),
    )
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1
    key_header = "x-goog-api-key"

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Gemini("gemini", _account(base_url, timeout, ""), transport, clock=clock, known_keys=google_keys())

    def accepted(self, remote_id: str) -> bytes:
        return self.queued(remote_id)

    def queued(self, remote_id: str) -> bytes:
        return _gemini(remote_id, "queued")

    def running(self, remote_id: str) -> bytes:
        return _gemini(remote_id, "in_progress")

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        (url,) = urls
        return _gemini(remote_id, "completed", output_video={"mime_type": "video/mp4", "uri": url})

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return _gemini(remote_id, "completed")

    def failed(self, remote_id: str, reason: str) -> bytes:
        return _gemini(remote_id, "failed", errors=[{"code": "internal", "message": reason}])

    def cancelled(self, remote_id: str) -> bytes | None:
        return _gemini(remote_id, "cancelled")

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return _gemini(remote_id, "pondering")

    def unknown_task(self) -> Answer:
        error = {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND", "details": []}
        return http(404, json.dumps({"error": error}).encode())

    def checked(self) -> bytes:
        return json.dumps({"models": [{"name": "models/gemini-omni-1.1-flash"}], "nextPageToken": "1"}).encode()

    def callback(self, remote_id: str, now: float) -> Callback:
        event = {"type": "interaction.completed", "version": "v1", "data": {"id": remote_id}}
        claims = {"exp": int(now) + 300, "aud": "nobody knows", **event}
        return Callback(google_signed(claims, now=now), json.dumps(event).encode())

    def callback_url_of(self, create: Request) -> str | None:
        config = json.loads(create.body).get("webhook_config")
        return None if config is None else str(config["uris"][0])

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None


@cache
def google_key() -> RSAPrivateKey:
    """A key that stands for Google's."""
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def google_keys() -> bytes:
    """Google's JWKS with its one key."""
    entry: dict[str, str] = RSAAlgorithm.to_jwk(google_key().public_key(), as_dict=True)
    return json.dumps({"keys": [{**entry, "kid": "key-1", "alg": "RS256", "use": "sig"}]}).encode()


def google_signed(claims: Mapping[str, object], *, now: float) -> dict[str, str]:
    """The headers of a webhook with a token of Google's."""
    token = jwt.encode(dict(claims), google_key(), algorithm="RS256", headers={"kid": "key-1"})
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now)), "webhook-signature": token}


def _gemini(remote_id: str, status: str, **fields: object) -> bytes:
    return json.dumps({"id": remote_id, "status": status, "object": "interaction", **fields}).encode()


def _openai_video(remote_id: str, status: str, **fields: object) -> bytes:
    video = {"id": remote_id, "object": "video", "status": status, "progress": 0, "error": None, **fields}
    return json.dumps(video).encode()


def _runway(remote_id: str, status: str, **fields: object) -> bytes:
    return json.dumps({"id": remote_id, "status": status, "createdAt": "2026-11-20T09:00:00Z", **fields}).encode()


class FalWire(Wire):
    """fal's queue."""

    request = ProviderRequest(
        "fal-ai/pika/v2.2/text-to-video",
        Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=5),
    )
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        return Fal("fal", _account(base_url, timeout, ""), transport, clock=clock, known_keys=FAL_KEYS)

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


class VertexWire(Wire):
    """Vertex AI's Veo, which does not call back."""

    request = ProviderRequest(
        "veo-3.1-generate-001",
        Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=8, audio=False),
    )
    created = 200
    credits: Decimal | None = None
    balance: Decimal | None = None
    most_results = 1

    def provider(self, base_url: str, transport: Transport, clock: Callable[[], float], timeout: float) -> Provider:
        account = _account(base_url, timeout, "").model_copy(update={"options": {"project": SecretStr("films")}})
        return Vertex("vertex", account, transport)

    def remote_id(self, task: str) -> str:
        return f"projects/films/locations/us-central1/publishers/google/models/{self.request.model}/operations/{task}"

    def accepted(self, remote_id: str) -> bytes:
        return self.running(remote_id)

    def queued(self, remote_id: str) -> bytes | None:
        return None

    def running(self, remote_id: str) -> bytes:
        return self._operation(remote_id)

    def succeeded(self, remote_id: str, urls: list[str]) -> bytes:
        videos = [{"gcsUri": "gs://films/sample_0.mp4", "mimeType": "video/mp4"}]
        return self._operation(remote_id, done=True, response={"raiMediaFilteredCount": 0, "videos": videos})

    def succeeded_with_nothing(self, remote_id: str) -> bytes:
        return self._operation(remote_id, done=True, response={"raiMediaFilteredCount": 0})

    def failed(self, remote_id: str, reason: str) -> bytes:
        return self._operation(remote_id, done=True, error={"code": 13, "message": reason})

    def cancelled(self, remote_id: str) -> bytes | None:
        return None

    def stopped(self) -> Answer | None:
        return None

    def unknown_state(self, remote_id: str) -> bytes:
        return self._operation(remote_id, done="pondering")

    def unknown_task(self) -> Answer:
        error = {"code": 404, "message": "not found", "status": "NOT_FOUND"}
        return http(404, json.dumps({"error": error}).encode())

    def checked(self) -> bytes:
        return b"{}"

    def callback(self, remote_id: str, now: float) -> Callback | None:
        return None

    def callback_url_of(self, create: Request) -> str | None:
        return None

    def look_ups(self, remote_id: str, generation_id: UUID) -> tuple[bytes, bytes] | None:
        return None

    def results(self, base_url: str, remote_id: str, urls: list[str]) -> list[str]:
        return ["gs://films/sample_0.mp4"]

    def unknown_path(self) -> type[ProviderError]:
        return ProviderUnavailable

    def _operation(self, remote_id: str, **fields: object) -> bytes:
        return json.dumps({"name": self.remote_id(remote_id), **fields}).encode()


def _account(base_url: str, timeout: float, webhook_key: str) -> ProviderSettings:
    return ProviderSettings(
        api_key=SecretStr(API_KEY),
        webhook_key=SecretStr(webhook_key),
        base_url=base_url,
        timeout_seconds=timeout,
    )


WIRES: Mapping[str, Wire] = {
    "fal": FalWire(),
    "gemini": GeminiWire(),
    "kie": KieWire(),
    "kling": KlingWire(),
    "kling_legacy": KlingLegacyWire(),
    "openai_videos": OpenAIVideosWire(),
    "replicate": ReplicateWire(),
    "runway": RunwayWire(),
    "vertex": VertexWire(),
}
"""The wire of each adapter, by its name."""

STOPS_WITHOUT_A_STATE = frozenset({"fal"})
"""Those that can cancel and have no state for what they stopped."""
