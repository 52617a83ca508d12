"""Tokens in URLs. A token proves that Reelworks issued the URL."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

_FINGERPRINT = b"reelworks.fingerprint.v1"


def sign(secret: str, purpose: bytes, text: bytes) -> str:
    """A token for a text: 43 characters that a URL need not escape.

    Args:
        secret: `Settings.secret_key`, or another secret.
        purpose: the kind of link. The secret signs several kinds, and a token of one kind is invalid for another.
    """
    digest = hmac.new(secret.encode(), purpose + text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify(secrets: Sequence[str], purpose: bytes, text: bytes, token: str) -> bool:
    """Whether the token belongs to the text under one of the secrets. The comparison takes constant time."""
    matches = [hmac.compare_digest(sign(secret, purpose, text).encode(), token.encode()) for secret in secrets]
    return any(matches)


def fingerprint(secret: str) -> str:
    """Eight characters by which people tell keys apart. They do not reveal the key."""
    return sign(secret, _FINGERPRINT, b"")[:8]
