"""Where a claim puts the bytes that it received, and how the rest of the pipeline names them."""

from datetime import UTC

from pydantic import BaseModel

from schemas.media_types import HEAD_BYTES, sniff
from storage.claims import Claim

_STORED = "stored:"


class StoredBytes(BaseModel):
    """What is known of bytes in the object store."""

    size_bytes: int
    sha256: str
    """Lower-case hex."""
    content_type: str


def object_key(claim: Claim) -> str:
    """Where this claim puts the bytes of a result.

    The object store knows no fencing tokens: with one key for all, a worker that lost its lease could still overwrite
    what its successor has stored. What nobody commits is an orphan.
    """
    generation = claim.generation
    timestamp = f"{generation.claimed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    name = f"{timestamp}_{claim.token}.{claim.order.file_extension}"
    return f"customers/{generation.customer_id}/assets/{generation.kind}/{name}"


def link_to(key: str) -> str:
    """What stands among result URLs for a file that is stored already."""
    return f"{_STORED}{key}"


def stored_key(link: str) -> str | None:
    """The key that a link of `link_to` names; None for a link to elsewhere."""
    return link.removeprefix(_STORED) if link.startswith(_STORED) else None


def content_type(content: bytes) -> str:
    """Of the bytes, as they say it."""
    media = sniff(content[:HEAD_BYTES])
    return "application/octet-stream" if media is None else media.content_type
