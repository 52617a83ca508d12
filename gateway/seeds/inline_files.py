"""Answers that contain files as data URIs. The files stream through, so memory does not grow with them."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from anyio import to_thread
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel

from schemas.tables import Asset
from storage.objects import ObjectStore

# Three bytes become four characters.
_GROUP = 3


@dataclass(frozen=True)
class InlineFiles:
    """The files of one answer. A text stands for each file until the answer is sent."""

    objects: ObjectStore
    """The object store."""
    most_bytes: int
    """The largest file that an answer contains."""
    files: dict[str, Asset] = field(default_factory=dict)
    """The files, by their texts."""

    def takes(self, asset: Asset) -> bool:
        """Whether a file is small enough."""
        return asset.size_bytes <= self.most_bytes

    def of(self, asset: Asset) -> str:
        """The text that stands for a file."""
        text = f"file:{asset.id}"
        self.files[text] = asset
        return text

    async def respond(self, answer: BaseModel, status: int, headers: Mapping[str, str]) -> Response:
        """The response with an answer and its files."""
        content = answer.model_dump(mode="json")
        if not self.files:
            return JSONResponse(content, status, headers)
        pieces = re.split(f"({'|'.join(map(re.escape, self.files))})", json.dumps(content))
        parts = [piece for piece in pieces if piece]
        length = sum(self._length(part) for part in parts)
        chunks = self._chunks(parts)
        # Read the first bytes of a file before the status is sent. Without an object store, the status is then 503.
        first = await to_thread.run_sync(lambda: [next(chunks), next(chunks)])
        sent = {**headers, "Content-Length": str(length), "Cache-Control": "no-store"}
        return StreamingResponse(chain(first, chunks), status, sent, "application/json")

    def _length(self, part: str) -> int:
        asset = self.files.get(part)
        if asset is None:
            return len(part.encode())
        return len(_head(asset)) + (asset.size_bytes + _GROUP - 1) // _GROUP * 4

    def _chunks(self, parts: list[str]) -> Iterator[bytes]:
        for part in parts:
            asset = self.files.get(part)
            if asset is None:
                yield part.encode()
            else:
                yield from self._encoded(asset)

    def _encoded(self, asset: Asset) -> Iterator[bytes]:
        with self.objects.stream(asset.object_key) as chunks:
            rest = next(chunks, b"")
            yield _head(asset).encode()
            for chunk in chunks:
                held = rest + chunk
                whole = len(held) // _GROUP * _GROUP
                rest = held[whole:]
                yield base64.b64encode(held[:whole])
            yield base64.b64encode(rest)


def _head(asset: Asset) -> str:
    return f"data:{asset.content_type};base64,"
