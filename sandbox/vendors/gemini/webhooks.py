"""Google's webhooks and their two kinds of signature. A webhook says little more than that an interaction ended.

Source: https://ai.google.dev/gemini-api/docs/webhooks. The webhook of a single request carries a token signed with
Google's key. The registered webhook of a project is signed as Standard Webhooks. Google does not document the token's
claims; its example reads the event from the claims.
"""

import base64
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from sandbox.standard_webhooks import signature_headers
from sandbox.task import JsonObject, Seal, State, Task
from sandbox.vendors.gemini.record import ACTION_WANTED, status_of

_EVENTS = {State.SUCCESS: "completed", State.FAIL: "failed", State.CANCELLED: "cancelled"}
_GOOD_FOR_SECONDS = 300
_KEY_ID = "sandbox"


@cache
def _key(owner: str) -> RSAPrivateKey:  # noqa: ARG001 -- there is one for each
    """The signing key of this process. A reset of the sandbox keeps it, as Google keeps its key."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class _Webhooks(ABC):
    tells_progress = False

    def body(self, task: Task) -> JsonObject:
        """An event with an id and a reference to the interaction."""
        data: JsonObject = {"id": task.id}
        if task.ended is State.FAIL and status_of(task) != ACTION_WANTED:
            data |= {"error_code": task.fail_code, "error_message": task.fail_msg}
        event = "requires_action" if status_of(task) == ACTION_WANTED else _EVENTS.get(task.state, "completed")
        return _event(event, data)

    def forged_body(self, task: Task) -> JsonObject:
        """A false claim of success."""
        return _event("completed", {"id": task.id})

    @abstractmethod
    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:
        """The signature headers."""


class DynamicWebhooks(_Webhooks):
    """Webhooks of `webhook_config`: signed with RS256. Anybody may fetch the public key."""

    def __init__(self, secret: str | None) -> None:
        self._owner = f"gemini {secret}"

    @property
    def key_set(self) -> JsonObject:
        """The public keys as a JWKS."""
        entry: JsonObject = RSAAlgorithm.to_jwk(_key(self._owner).public_key(), as_dict=True)
        return {"keys": [{**entry, "kid": _KEY_ID, "alg": "RS256", "use": "sig"}]}

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- not the content
        """A wrong seal uses a key that is not in the JWKS."""
        if seal is Seal.ABSENT:
            return {}
        now = int(time.time())
        claims = {"iat": now, "exp": now + _GOOD_FOR_SECONDS, "aud": "sandbox", "data": {"id": task.id}}
        key = _key("nobody" if seal is Seal.WRONG else self._owner)
        return {
            "Webhook-Id": f"msg_{task.id}",
            "Webhook-Timestamp": str(now),
            "Webhook-Signature": jwt.encode(claims, key, algorithm="RS256", headers={"kid": _KEY_ID}),
        }


class StaticWebhooks(_Webhooks):
    """The project's registered webhook: Standard Webhooks, signed with the secret that the registration returned."""

    def __init__(self, secret: str | None) -> None:
        self.secret = secret or "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.uri: str | None = None

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:
        return signature_headers(self.secret, f"msg_{task.id}", content, seal)


def _event(name: str, data: JsonObject) -> JsonObject:
    timestamp = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"type": f"interaction.{name}", "version": "v1", "timestamp": timestamp, "data": data}
