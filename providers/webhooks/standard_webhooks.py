"""Standard Webhooks signatures (https://www.standardwebhooks.com), as several vendors put them on their callbacks.

Three headers: `webhook-id`, `webhook-timestamp` in Unix seconds, and `webhook-signature`, one or more `v1,<base64>`
with a space between them. The signature covers the id, the time and the body.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from schemas.errors import CallbackRefused

WINDOW_SECONDS = 300

_SECRET_PREFIX = "whsec_"  # noqa: S105 -- how such a secret begins, not one
_VERSION = "v1,"
# Python refuses to read an integer of thousands of digits.
_MOST_DIGITS = 12


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Check that a callback was signed with our secret, not long ago. Several signatures: one of them must be right.

    Args:
        secret: base64, with or without `whsec_` before it.
        headers: names in lower case.
        body: the raw bytes.
        now: Unix seconds.

    Raises:
        CallbackRefused: it was not, or the secret is not one.
    """
    key = _key(secret)
    message_id = headers.get("webhook-id", "")
    if not message_id:
        raise CallbackRefused("the callback has no webhook-id")
    timestamp = headers.get("webhook-timestamp", "")
    check_timestamp(timestamp, now=now)
    expected = _signature(key, message_id, timestamp, body).encode()
    given = headers.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(expected, signature) for signature in given):
        raise CallbackRefused("the callback's signature is wrong")


def check_timestamp(timestamp: str, *, now: float) -> None:
    """Check that a `webhook-timestamp` is not long ago.

    Args:
        now: Unix seconds.

    Raises:
        CallbackRefused: it is, or it is none.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
        raise CallbackRefused("the callback has no webhook-timestamp in seconds")
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise CallbackRefused(f"the callback's timestamp is more than {WINDOW_SECONDS} s off")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a callback that is sent with this id at this Unix second."""
    return _signature(_key(secret), message_id, str(timestamp), body)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise CallbackRefused("the webhook key of this account is not a Standard Webhooks secret, so nothing can pass")
    return key


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return _VERSION + base64.b64encode(digest).decode()
