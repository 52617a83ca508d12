"""Verifies fal's signature on a webhook.

Source: https://fal.ai/docs/documentation/model-apis/inference/webhooks. The signature is Ed25519 over four lines: the
request id, the user id, the timestamp, and the SHA-256 of the body. The keys are a JWKS that can be cached for 24
hours; `providers/webhooks/key_sets.py` fetches them. fal repeats a refused webhook for two hours.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence

from Crypto.PublicKey.ECC import EccKey
from Crypto.Signature import eddsa
from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import CallbackRefused

WINDOW_SECONDS = 300

# Python refuses to parse an integer of thousands of digits.
_MOST_DIGITS = 12


def verify(keys: Sequence[EccKey], headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Verify that one of these keys signed a webhook within the last `WINDOW_SECONDS`.

    Args:
        headers: names in lower case.
        body: the raw bytes.
        now: Unix seconds.

    Raises:
        CallbackRefused: no key made the signature, or the timestamp is too far off.
    """
    timestamp = headers.get("x-fal-webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
        raise CallbackRefused("the callback has no X-Fal-Webhook-Timestamp in seconds")
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise CallbackRefused(f"the callback's timestamp is more than {WINDOW_SECONDS} s off")
    request_id = headers.get("x-fal-webhook-request-id", "")
    user_id = headers.get("x-fal-webhook-user-id", "")
    signed = "\n".join((request_id, user_id, timestamp, hashlib.sha256(body).hexdigest())).encode()
    try:
        signature = bytes.fromhex(headers.get("x-fal-webhook-signature", ""))
    except ValueError:
        signature = b""
    if not any(_is_of(key, signed, signature) for key in keys):
        raise CallbackRefused("the callback's signature is wrong")


def read_keys(jwks: bytes) -> tuple[EccKey, ...]:
    """The Ed25519 keys of a JSON Web Key Set (RFC 7517, RFC 8037); empty if it has none."""
    try:
        entries = _KeySetDocument.model_validate_json(jwks).keys
    except ValidationError:
        return ()
    found: list[EccKey] = []
    for entry in entries:
        if (entry.kty, entry.crv) == ("OKP", "Ed25519"):
            try:
                found.append(eddsa.import_public_key(base64.urlsafe_b64decode(entry.x + "=" * (-len(entry.x) % 4))))
            except (binascii.Error, ValueError):
                continue
    return tuple(found)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    kty: str = ""
    crv: str = ""
    x: str = ""


class _KeySetDocument(BaseModel):
    model_config = ConfigDict(extra="ignore")

    keys: list[_Entry]


def _is_of(key: EccKey, signed: bytes, signature: bytes) -> bool:
    try:
        eddsa.new(key, "rfc8032").verify(signed, signature)
    except ValueError:
        return False
    return True
