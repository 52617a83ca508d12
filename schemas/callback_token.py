"""The token in a callback URL. It proves that Reelworks issued the URL, whether or not the vendor signs callbacks."""

import base64
import hashlib
import hmac
from uuid import UUID

from schemas.names import ProviderName

# The secret signs other things, too. The label makes tokens of other kinds invalid here.
_PURPOSE = b"reelworks.callback.v1:"


def sign(secret: str, generation_id: UUID) -> str:
    """The token of a generation's callback URL: 43 characters that a URL need not escape."""
    digest = hmac.new(secret.encode(), _PURPOSE + generation_id.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify(secret: str, generation_id: UUID, token: str) -> bool:
    """Whether the token belongs to the generation. The comparison takes constant time."""
    return hmac.compare_digest(sign(secret, generation_id).encode(), token.encode())


def callback_url(public_url: str, secret: str, provider: ProviderName, generation_id: UUID) -> str:
    """The URL at which a provider reports on a generation.

    Args:
        public_url: the gateway's URL for providers, without a trailing slash.
        secret: `Settings.secret_key`.
    """
    return f"{public_url}/callbacks/{provider}/{generation_id}?t={sign(secret, generation_id)}"
