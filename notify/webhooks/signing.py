"""Signs messages as Standard Webhooks specifies (https://www.standardwebhooks.com), by HMAC and by Ed25519.

A signature covers the id of the message, the time of the try, and the body. `v1` is an HMAC under the endpoint's
secret. `v1a` is an Ed25519 signature of this installation: a receiver verifies it without a secret.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from providers.webhooks import standard_webhooks

PUBLIC_KEY_PREFIX: Final = "whpk_"
_PURPOSE: Final = b"reelworks.webhooks.ed25519.v1"


class SigningKey:
    """The Ed25519 key of this installation."""

    def __init__(self, seed: bytes) -> None:
        """Make the key of 32 secret bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def of_installation(cls, secret_key: str) -> "SigningKey":
        """The key that follows from `Settings.secret_key`, the same in every process.

        During a rotation, each of `Settings.accepted_keys` signs: a receiver may know either public key.
        """
        return cls(hmac.digest(secret_key.encode(), _PURPOSE, hashlib.sha256))

    @property
    def public(self) -> str:
        """The public key: `whpk_` and base64."""
        return PUBLIC_KEY_PREFIX + base64.b64encode(self._key.public_key().public_bytes_raw()).decode()

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """The signature `v1a` of a message with this time in Unix seconds."""
        signature = self._key.sign(f"{message_id}.{timestamp}.".encode() + body)
        return f"v1a,{base64.b64encode(signature).decode()}"


def headers(
    secrets: Sequence[str], keys: Sequence[SigningKey], message_id: str, timestamp: int, body: bytes
) -> Mapping[str, str]:
    """The headers that identify and sign a message.

    Args:
        secrets: of the endpoint, `whsec_` and base64. During a rotation the earlier secret signs, too.
        keys: of the installation. During a rotation there are several.
        timestamp: the time of the try in Unix seconds.
    """
    signatures = [standard_webhooks.sign(secret, message_id, timestamp, body) for secret in secrets]
    signatures += [key.sign(message_id, timestamp, body) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
