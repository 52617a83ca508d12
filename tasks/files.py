"""The object keys of results, the links to stored results, and the facts about stored bytes."""

from datetime import UTC

from pydantic import BaseModel

from schemas.media_types import HEAD_BYTES, MediaType, sniff
from storage.claims import Claim

_STORED = "stored:"

# The extension of a file that is no supported medium.
_UNKNOWN_EXTENSION = "bin"


class StoredBytes(BaseModel):
    """The facts about a file in the object store."""

    size_bytes: int
    """The length of the file."""
    sha256: str
    """The hash of the file, in lower-case hex."""
    content_type: str
    """The media type that the first bytes show."""
    bad_files: int = 0
    """The number of bad files that were fetched before this file."""


def object_key(claim: Claim, media: MediaType | None) -> str:
    """The key for a result that this claim stores. Its extension is the extension of the file's format.

    Each claim has its own key, because the object store checks no fencing tokens. Under a shared key, a worker that
    lost its lease could overwrite the next worker's file. A file that no row names is an orphan.
    """
    generation = claim.generation
    timestamp = f"{generation.claimed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    name = f"{timestamp}_{claim.token}.{_UNKNOWN_EXTENSION if media is None else media.extension}"
    return f"customers/{generation.customer_id}/assets/{generation.kind}/{name}"


def link_to(key: str) -> str:
    """The result URL of a file that is stored already."""
    return f"{_STORED}{key}"


def stored_key(link: str) -> str | None:
    """The key in a link that `link_to` made. None for any other link."""
    return link.removeprefix(_STORED) if link.startswith(_STORED) else None


def media_of(content: bytes) -> MediaType | None:
    """The format that the first bytes show. None for an unsupported format."""
    return sniff(content[:HEAD_BYTES])


def content_type(media: MediaType | None) -> str:
    """The media type of a format."""
    return "application/octet-stream" if media is None else media.content_type


def bad_files(claim: Claim) -> int:
    """The number of bad files that were fetched for this generation so far."""
    count = (claim.generation.download or {}).get("bad_files", 0)
    return count if isinstance(count, int) else 0
