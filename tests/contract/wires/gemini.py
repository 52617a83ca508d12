"""The Gemini API's interactions."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import ClassVar
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from providers.adapters.gemini import wire
from providers.adapters.gemini.adapter import Gemini
from providers.base import Provider, ProviderRequest
from providers.http.transport import Transport
from schemas.orders import Inputs
from schemas.provider_errors import ProviderAuthFailed, ProviderRejected
from tests.contract.raw_server import Answer, Request, http
from tests.contract.wire import HTTP_REFUSALS, PROMPT, Callback, Wire, account, files_of


class GeminiWire(Wire):
    """The Gemini API's interactions."""

    refusals: ClassVar = {**HTTP_REFUSALS, 403: ProviderAuthFailed, 499: ProviderRejected}
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
        return Gemini("gemini", account(base_url, timeout, ""), transport, clock=clock, known_keys=google_keys())

    def written(self, model: str, inputs: Inputs) -> Mapping[str, object]:
        return wire.to_body(model, inputs, files_of(inputs), callback_url=None)

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


WIRE = GeminiWire()
