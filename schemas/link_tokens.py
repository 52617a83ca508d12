"""Tokens in URLs. A token proves that Reelworks issued the URL."""

import base64
import hashlib
import hmac


def sign(secret: str, purpose: bytes, text: bytes) -> str:
    """A token for a text: 43 characters that a URL need not escape.

    Args:
        secret: `Settings.secret_key`, or another secret.
        purpose: the kind of link. The secret signs several kinds, and a token of one kind is invalid for another.
    """
    digest = hmac.new(secret.encode(), purpose + text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify(secret: str, purpose: bytes, text: bytes, token: str) -> bool:
    """Whether the token belongs to the text. The comparison takes constant time."""
    return hmac.compare_digest(sign(secret, purpose, text).encode(), token.encode())
