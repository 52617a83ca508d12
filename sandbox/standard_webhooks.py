"""Standard Webhooks (https://www.standardwebhooks.com) for the sender."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

from sandbox.task import Seal

_WRONG_SECRET = "whsec_" + base64.b64encode(b"not the account's secret").decode()


def sign(secret: str, message_id: str, timestamp: str, content: bytes) -> str:
    """One entry of a webhook-signature header."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b".".join((message_id.encode(), timestamp.encode(), content)), hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def signature_headers(secret: str | None, message_id: str, content: bytes, seal: Seal) -> Mapping[str, str]:
    """The three headers of a message that is sent now; none without a secret. A repeated message keeps its id."""
    if seal is Seal.WRONG:
        secret = _WRONG_SECRET
    if secret is None or seal is Seal.ABSENT:
        return {}
    timestamp = str(int(time.time()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(secret, message_id, timestamp, content),
    }
