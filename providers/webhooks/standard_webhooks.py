"""Signatures of callbacks as Standard Webhooks specifies (https://www.standardwebhooks.com). Several vendors use them.

The headers are `webhook-id`, `webhook-timestamp` in Unix seconds, and `webhook-signature`: one or more `v1,<base64>`,
separated by spaces. The signature covers the id, the timestamp and the body.

The `standardwebhooks` library makes the signatures. This module does not use the library's `verify`, for three reasons:
it has no parameter for the current time; it reads "1700000000.5" as 1700000000 and checks the signature of that; and it
raises at the first malformed entry of `webhook-signature`, although the next entry can be right.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook

from schemas.errors import CallbackRefused

WINDOW_SECONDS = 300

_SECRET_PREFIX = "whsec_"  # noqa: S105 -- how such a secret begins, not one
# Python refuses to parse an integer of thousands of digits.
_MOST_DIGITS = 12


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Verify that our secret signed a callback recently. One right signature of several is enough.

    Args:
        secret: base64, with or without the prefix `whsec_`.
        headers: names in lower case.
        body: the raw bytes.
        now: Unix seconds.

    Raises:
        CallbackRefused: no signature is right, the timestamp is too far off, or the secret is not base64.
    """
    webhook = _webhook(secret)
    message_id = headers.get("webhook-id", "")
    if not message_id:
        raise CallbackRefused("the callback has no webhook-id")
    timestamp = headers.get("webhook-timestamp", "")
    check_timestamp(timestamp, now=now)
    # The signature covers the header's text: "01700000000" is the same second and another text.
    if str(int(timestamp)) != timestamp:
        raise CallbackRefused("the callback has no webhook-timestamp in seconds")
    expected = _signature(webhook, message_id, int(timestamp), body).encode()
    given = headers.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(expected, signature) for signature in given):
        raise CallbackRefused("the callback's signature is wrong")


def check_timestamp(timestamp: str, *, now: float) -> None:
    """Check that a `webhook-timestamp` is within `WINDOW_SECONDS` of now.

    Args:
        now: Unix seconds.

    Raises:
        CallbackRefused: the timestamp is too far off, or is not a number of seconds.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
        raise CallbackRefused("the callback has no webhook-timestamp in seconds")
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise CallbackRefused(f"the callback's timestamp is more than {WINDOW_SECONDS} s off")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a callback with this id and this timestamp in Unix seconds."""
    return _signature(_webhook(secret), message_id, timestamp, body)


def _webhook(secret: str) -> Webhook:
    try:
        # The library would skip characters that are not base64, and so accept a mistyped secret.
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise CallbackRefused("the webhook key of this account is not a Standard Webhooks secret, so nothing can pass")
    return Webhook(key)


def _signature(webhook: Webhook, message_id: str, timestamp: int, body: bytes) -> str:
    try:
        # In UTC: the library reads the local hour of any other zone as UTC.
        return webhook.sign(message_id, datetime.fromtimestamp(timestamp, UTC), body.decode())
    except UnicodeDecodeError:
        raise CallbackRefused("the callback's body is not UTF-8") from None
