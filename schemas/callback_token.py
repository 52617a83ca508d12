"""The token in a callback URL: it proves that we handed the URL out, whatever a vendor signs or does not sign."""

import base64
import hashlib
import hmac
from uuid import UUID

from schemas.names import ProviderName

# The secret signs other things too: the label keeps a token of one kind from being good for another.
_PURPOSE = b"reelworks.callback.v1:"


def sign(secret: str, generation_id: UUID) -> str:
    """The token of a generation's callback URL: 43 characters that need no escaping in a URL."""
    digest = hmac.new(secret.encode(), _PURPOSE + generation_id.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify(secret: str, generation_id: UUID, token: str) -> bool:
    """Whether `token` is the generation's. Takes the same time wherever a wrong token differs."""
    return hmac.compare_digest(sign(secret, generation_id).encode(), token.encode())


def callback_url(callbacks_url: str, secret: str, provider: ProviderName, generation_id: UUID) -> str:
    """Where a provider reports on a generation.

    Args:
        callbacks_url: where providers reach the gateway, without a trailing slash.
        secret: `Settings.secret_key`.
    """
    return f"{callbacks_url}/callbacks/{provider}/{generation_id}?t={sign(secret, generation_id)}"
