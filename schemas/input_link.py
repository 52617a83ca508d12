"""Links to the inputs of an order at the gateway, for a provider that cannot reach the object store."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from schemas import link_tokens

_PURPOSE = b"reelworks.input.v1:"


def sign(secret: str, object_key: str, expires: int) -> str:
    """The token of a link: 43 characters that need no escaping in a URL.

    Args:
        secret: `Settings.secret_key`.
        object_key: the file's key in the object store.
        expires: when the link ends, in Unix seconds.
    """
    return link_tokens.sign(secret, _PURPOSE, f"{expires}:{object_key}".encode())


def verify(secrets: Sequence[str], object_key: str, expires: str, token: str) -> bool:
    """Whether the token is the one of the link. The time is for the caller to compare.

    Args:
        secrets: `Settings.accepted_keys`.
    """
    return link_tokens.verify(secrets, _PURPOSE, f"{expires}:{object_key}".encode(), token)


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
