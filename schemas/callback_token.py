"""The token in a callback URL. It proves that Reelworks issued the URL, whether or not the vendor signs callbacks."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote
from uuid import UUID

from schemas import link_tokens
from schemas.enums import Kind
from schemas.names import ProviderName

_PURPOSE = b"reelworks.callback.v1:"


def sign(secret: str, generation_id: UUID) -> str:
    """The token of a generation's callback URL: 43 characters that a URL need not escape."""
    return link_tokens.sign(secret, _PURPOSE, generation_id.bytes)


def verify(secrets: Sequence[str], generation_id: UUID, token: str) -> bool:
    """Whether the token belongs to the generation. The comparison takes constant time.

    Args:
        secrets: `Settings.accepted_keys`.
    """
    return link_tokens.verify(secrets, _PURPOSE, generation_id.bytes, token)


def callback_url(public_url: str, secret: str, provider: ProviderName, generation_id: UUID) -> str:
    """The URL at which a provider reports on a generation.

    Args:
        public_url: the gateway's URL for providers, without a trailing slash.
        secret: `Settings.secret_key`.
    """
    return f"{public_url}/callbacks/{provider}/{generation_id}?t={sign(secret, generation_id)}"


NODE_CALLBACKS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.IMAGE: ("/api/kie-callback", "imageNodeId"),
    Kind.VIDEO: ("/api/kie-video-callback", "videoNodeId"),
}
"""The path of callbacks that name the order's `reference`, and the parameter that holds the reference."""


def node_callback_url(
    public_url: str, secret: str, provider: ProviderName, generation_id: UUID, *, kind: Kind, reference: str
) -> str:
    """The URL at which a provider reports on a generation and names the order's reference."""
    path, parameter = NODE_CALLBACKS[kind]
    node = f"{parameter}={quote(reference, safe='')}"
    token = sign(secret, generation_id)
    return f"{public_url}{path}?{node}&provider={provider}&generation={generation_id}&t={token}"
