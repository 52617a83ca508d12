"""fal's webhooks. Their signing key has a public half that anybody may fetch.

Source: https://fal.ai/docs/documentation/model-apis/inference/webhooks.
"""

import base64
import hashlib
import time
from collections.abc import Mapping

from Crypto.Signature import eddsa

from sandbox.task import JsonObject, Seal, State, Task
from sandbox.vendors.fal.record import Records, request_error

USER_ID = "sandbox-user"


class FalWebhooks:
    """Writes fal's webhooks. The signing key is derived from the sandbox's webhook secret, so it always exists."""

    tells_progress = False

    def __init__(self, records: Records, secret: str | None) -> None:
        self._records = records
        self._key = eddsa.import_private_key(hashlib.sha256(f"fal {secret}".encode()).digest())
        self._nobodys_key = eddsa.import_private_key(hashlib.sha256(b"not the account's").digest())

    @property
    def key_set(self) -> JsonObject:
        """The public keys as a JWKS."""
        x = base64.urlsafe_b64encode(self._key.public_key().export_key(format="raw")).decode().rstrip("=")
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "sandbox", "use": "sig", "x": x}]}

    def body(self, task: Task) -> JsonObject:
        """The end of a request, with its output or its error."""
        if task.ended is State.SUCCESS:
            return {**_ids(task), "status": "OK", "payload": self._records.result(task)[1]}
        _, payload = self._records.result(task)
        trouble = request_error(task)
        error = task.fail_msg if trouble is None else trouble[1]
        return {**_ids(task), "status": "ERROR", "error": error, "payload": payload}

    def forged_body(self, task: Task) -> JsonObject:
        """A success whose result URL leads to nothing."""
        return {**_ids(task), "status": "OK", "payload": self._records.output(task, f"forged-{task.file_name}")}

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:
        """The four signature headers. A wrong seal uses a key that is not in the JWKS."""
        if seal is Seal.ABSENT:
            return {}
        key = self._nobodys_key if seal is Seal.WRONG else self._key
        timestamp = str(int(time.time()))
        signed = "\n".join((task.id, USER_ID, timestamp, hashlib.sha256(content).hexdigest()))
        return {
            "X-Fal-Webhook-Request-Id": task.id,
            "X-Fal-Webhook-User-Id": USER_ID,
            "X-Fal-Webhook-Timestamp": timestamp,
            "X-Fal-Webhook-Signature": eddsa.new(key, "rfc8032").sign(signed.encode()).hex(),
        }


def _ids(task: Task) -> JsonObject:
    return {"request_id": task.id, "gateway_request_id": f"gw-{task.id}"}
