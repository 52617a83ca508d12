"""Standard Webhooks signatures (https://www.standardwebhooks.com), as several vendors put them on their callbacks.

Three headers: `webhook-id`, `webhook-timestamp` in Unix seconds, and `webhook-signature`, one or more `v1,<base64>`
with a space between them. The signature covers the id, the time and the body.

The `standardwebhooks` library makes the signatures. Its `verify` is not used, for three reasons: it has no parameter
for the current time; it reads "1700000000.5" as 1700000000 and checks the signature of that; and it raises at the
first malformed entry of `webhook-signature`, although the next entry may be right.
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
    webhook = _webhook(secret)
    message_id = headers.get("webhook-id", "")
    if not message_id:
        raise CallbackRefused("the callback has no webhook-id")
    timestamp = headers.get("webhook-timestamp", "")
    check_timestamp(timestamp, now=now)
    # The header itself is signed: "01700000000" names the same second and is another text.
    if str(int(timestamp)) != timestamp:
        raise CallbackRefused("the callback has no webhook-timestamp in seconds")
    expected = _signature(webhook, message_id, int(timestamp), body).encode()
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
    return _signature(_webhook(secret), message_id, timestamp, body)


def _webhook(secret: str) -> Webhook:
    try:
        # The library would skip characters that are not base64, and so take a mistyped secret.
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise CallbackRefused("the webhook key of this account is not a Standard Webhooks secret, so nothing can pass")
    return Webhook(key)


def _signature(webhook: Webhook, message_id: str, timestamp: int, body: bytes) -> str:
    try:
        # In UTC: the library takes the hour of any other zone for UTC's.
        return webhook.sign(message_id, datetime.fromtimestamp(timestamp, UTC), body.decode())
    except UnicodeDecodeError:
        raise CallbackRefused("the callback's body is not UTF-8") from None
