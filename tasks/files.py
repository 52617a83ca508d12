"""The object keys of results, the links to stored results, and the facts about stored bytes."""

from datetime import UTC

from pydantic import BaseModel

from schemas.media_types import HEAD_BYTES, sniff
from storage.claims import Claim

_STORED = "stored:"


class StoredBytes(BaseModel):
    """The facts about a file in the object store."""

    size_bytes: int
    """The length of the file."""
    sha256: str
    """The hash of the file, in lower-case hex."""
    content_type: str
    """The media type that the first bytes show."""


def object_key(claim: Claim) -> str:
    """The key for a result that this claim stores.

    Each claim has its own key, because the object store checks no fencing tokens. Under a shared key, a worker that
    lost its lease could overwrite the next worker's file. A file that no row names is an orphan.
    """
    generation = claim.generation
    timestamp = f"{generation.claimed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    name = f"{timestamp}_{claim.token}.{claim.order.file_extension}"
    return f"customers/{generation.customer_id}/assets/{generation.kind}/{name}"


def link_to(key: str) -> str:
    """The result URL of a file that is stored already."""
    return f"{_STORED}{key}"


def stored_key(link: str) -> str | None:
    """The key in a link that `link_to` made. None for any other link."""
    return link.removeprefix(_STORED) if link.startswith(_STORED) else None


def content_type(content: bytes) -> str:
    """The media type that the first bytes show."""
    media = sniff(content[:HEAD_BYTES])
    return "application/octet-stream" if media is None else media.content_type
