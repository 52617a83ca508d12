"""Links to the inputs of an order at the gateway, for a provider that cannot reach the object store."""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

# The secret signs callback URLs too: the label keeps a token of one kind from being good for another.
_PURPOSE = b"reelworks.input.v1:"


def sign(secret: str, object_key: str, expires: int) -> str:
    """The token of a link: 43 characters that need no escaping in a URL.

    Args:
        secret: `Settings.secret_key`.
        object_key: the file's key in the object store.
        expires: when the link ends, in Unix seconds.
    """
    digest = hmac.new(secret.encode(), _PURPOSE + f"{expires}:{object_key}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify(secret: str, object_key: str, expires: int, token: str) -> bool:
    """Whether `token` is that of the link. Takes the same time wherever a wrong token differs."""
    return hmac.compare_digest(sign(secret, object_key, expires).encode(), token.encode())


def input_link(public_url: str, secret: str, object_key: str, expires_at: datetime) -> str:
    """Where a provider fetches an input until the link ends.

    Args:
        public_url: where providers reach the gateway, without a trailing slash.
        secret: `Settings.secret_key`.
        object_key: the file's key in the object store.
        expires_at: when the link ends.
    """
    expires = int(expires_at.timestamp())
    return f"{public_url}/inputs/{quote(object_key)}?e={expires}&t={sign(secret, object_key, expires)}"
