"""Links to the pages of shares. The row of a share decides whether its link still works."""

from collections.abc import Sequence
from uuid import UUID

from schemas import link_tokens

_PURPOSE = b"reelworks.share.v1:"


def verify(secrets: Sequence[str], share_id: UUID, token: str) -> bool:
    """Whether the token is the one of the share.

    Args:
        secrets: `Settings.accepted_keys`.
    """
    return link_tokens.verify(secrets, _PURPOSE, share_id.bytes, token)


def share_link(public_url: str, secret: str, share_id: UUID) -> str:
    """The URL of a share's page.

    Args:
        public_url: the gateway's URL, without a trailing slash.
        secret: `Settings.secret_key`.
    """
    return f"{public_url}/shares/{share_id}?t={link_tokens.sign(secret, _PURPOSE, share_id.bytes)}"
