"""An operation that contains its video: tens of megabytes of base64 in one value."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from fastapi import Response
from fastapi.responses import StreamingResponse

from sandbox.task import JsonObject
from sandbox.vendors.vertex.errors import VertexError
from sandbox.vendors.vertex.models import BYTES

# A multiple of 3: the pieces' base64 then concatenates to the base64 of the whole.
_PIECE_BYTES = 768 * 1024
_PLACE = '"mimeType"'


def inline_reply(operation: JsonObject, path: Path | None) -> Response:
    """The operation with its one video in base64. Raises `VertexError` 404 if the file was deleted."""
    if path is None:
        raise VertexError(404, "The operation's result has expired")
    head, _, tail = json.dumps(operation).partition(_PLACE)
    return StreamingResponse(_pieces(head, path, tail), media_type="application/json")


def _pieces(head: str, path: Path, tail: str) -> Iterator[bytes]:
    yield f'{head}"{BYTES}": "'.encode()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield base64.b64encode(piece)
    yield f'", {_PLACE}{tail}'.encode()
