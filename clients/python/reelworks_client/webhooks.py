"""Verifies webhooks by the rules of Standard Webhooks."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from reelworks_client.errors import InvalidWebhook
from reelworks_client.models import Notification

TOLERANCE: Final = 300.0
"""Seconds by which the time of a webhook may differ from ours."""

_SECRET: Final = "whsec_"  # noqa: S105 - how secrets begin
_PUBLIC_KEY: Final = "whpk_"


def verify(
    body: bytes, headers: Mapping[str, str], keys: str | Sequence[str], *, tolerance: float = TOLERANCE
) -> Notification:
    """The notification in a webhook. Raises `InvalidWebhook` unless Reelworks has signed the webhook lately.

    Args:
        body: the body as received, byte for byte.
        headers: the headers of the request.
        keys: the secret of the endpoint (`whsec_…`), or Reelworks' public key (`whpk_…`, which needs the package
            cryptography). While you change a secret, give both.
        tolerance: seconds by which the webhook's time may differ from this machine's.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp, signatures = (found[f"webhook-{each}"] for each in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise InvalidWebhook(f"the header {missing} is missing") from None
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > tolerance:
        raise InvalidWebhook("the time of the webhook is too far from the time here")
    signed = f"{message_id}.{timestamp}.".encode() + body
    given = [keys] if isinstance(keys, str) else keys
    if not any(_is_signed(signed, signatures.split(), key) for key in given):
        raise InvalidWebhook("no signature is right")
    try:
        return Notification.model_validate_json(body)
    except ValidationError as error:
        raise InvalidWebhook("the body is no notification") from error


def _is_signed(signed: bytes, signatures: Sequence[str], key: str) -> bool:
    if key.startswith(_PUBLIC_KEY):
        return any(_is_by_public_key(signed, each, key) for each in _of_version("v1a", signatures))
    right = hmac.digest(_decoded(key.removeprefix(_SECRET)), signed, hashlib.sha256)
    return any(hmac.compare_digest(right, each) for each in _of_version("v1", signatures))


def _is_by_public_key(signed: bytes, signature: bytes, key: str) -> bool:
    # Only webhooks by public key need the package.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(_decoded(key.removeprefix(_PUBLIC_KEY))).verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _of_version(version: str, signatures: Sequence[str]) -> list[bytes]:
    """The signatures of a version. A sender may add signatures in other forms."""
    pairs = [each.partition(",") for each in signatures]
    return [_decoded(text) for name, _, text in pairs if name == version]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "==")
    except binascii.Error as error:
        raise InvalidWebhook("a key or a signature is not base64") from error
