"""The messages between a process and its decoder. One connection carries one job.

The process sends the job. Then the decoder sends reads, each answered with bytes of the file, and at last its answer.
The decoder may be under the control of a hostile file, so all messages are JSON and bytes with a limit of size.
"""

import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schemas.ranged_file import RangedFile

BLOCK_BYTES = 256 * 1024
"""The most bytes of the file in one read."""
MOST_TEXT_BYTES = 16 * 1024
"""The longest JSON document."""
MOST_CONTENT_BYTES = 8 * 1024**2
"""The largest content of a message: a poster, a block of the file, or a small file."""

_HEAD = struct.Struct(">II")
_LEAST_WAIT = 0.001


class NoMessage(Exception):
    """The other side is gone, or sent something else than a message."""


@dataclass(frozen=True)
class Task:
    """A job for the decoder."""

    name: Literal["read", "measure", "make"]
    """What to do: read a result, measure the length of a video, or make a variant."""
    content_type: str
    """The media type that the first bytes show."""
    kind: str
    """The kind that was ordered."""
    size_bytes: int
    """The length of the file."""
    memory_bytes: int
    """The memory that the job may take, beyond what the decoder has at its start."""
    seconds: int
    """The processor time that the job may take."""
    output_bytes: int = 0
    """The most bytes of the output file, which came with the connection. 0: the job has no output file."""
    variant: dict[str, Any] | None = None
    """The `media.variants.recipes.Job` of a variant."""


@dataclass(frozen=True)
class Message:
    """A JSON document with bytes."""

    values: Mapping[str, Any]
    """The document."""
    content: bytes = b""
    """The bytes."""


def send(connection: socket.socket, values: Mapping[str, Any], content: bytes = b"") -> None:
    """Send a message."""
    document = json.dumps(values).encode()
    connection.sendall(_HEAD.pack(len(document), len(content)) + document + content)


def receive(connection: socket.socket, deadline: float | None = None) -> Message:
    """Receive a message.

    Args:
        deadline: on the monotonic clock.

    Raises:
        NoMessage: there is no message.
        TimeoutError: the whole message did not come before the deadline.
    """
    text_bytes, content_bytes = _HEAD.unpack(_exactly(connection, _HEAD.size, deadline))
    if text_bytes > MOST_TEXT_BYTES or content_bytes > MOST_CONTENT_BYTES:
        raise NoMessage("a message is too large")
    try:
        values = json.loads(_exactly(connection, text_bytes, deadline))
    except (ValueError, RecursionError) as error:
        raise NoMessage("a message is not JSON") from error
    if not isinstance(values, dict):
        raise NoMessage("a message is no JSON object")
    return Message(values, _exactly(connection, content_bytes, deadline))


def _exactly(connection: socket.socket, size: int, deadline: float | None) -> bytes:
    content = bytearray(size)
    with memoryview(content) as free:
        filled = 0
        while filled < size:
            if deadline is not None:
                connection.settimeout(max(_LEAST_WAIT, deadline - time.monotonic()))
            count = connection.recv_into(free[filled:])
            if not count:
                raise NoMessage("the other side is gone")
            filled += count
    return bytes(content)


class RemoteFile(RangedFile):
    """The decoder's view of the file: the process sends its bytes on demand."""

    def __init__(self, connection: socket.socket, size_bytes: int) -> None:
        super().__init__(size_bytes, most_bytes=BLOCK_BYTES)
        self._connection = connection

    def fetch(self, offset: int, length: int) -> bytes:
        """Ask the process for bytes."""
        send(self._connection, {"offset": offset, "length": length})
        return receive(self._connection).content
