"""The messages between a process and its decoder. One connection carries one job.

The process sends the job. Then the decoder sends reads, each answered with bytes of the file, and at last its answer.
The decoder may be under the control of a hostile file, so all messages are JSON and bytes with a limit of size.
"""

import io
import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

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

    name: Literal["read", "measure"]
    """What to do: read a result, or measure the length of a video."""
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


class RemoteFile(io.RawIOBase):
    """The decoder's view of the file: a seekable file whose bytes the process sends on demand."""

    def __init__(self, connection: socket.socket, size_bytes: int) -> None:
        self._connection = connection
        self._size = size_bytes
        self._position = 0

    def readable(self) -> bool:
        """The file can be read."""
        return True

    def seekable(self) -> bool:
        """The file has positions."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed asks for the wider WriteableBuffer
        """Read the next bytes."""
        length = min(len(buffer), self._size - self._position, BLOCK_BYTES)
        if length <= 0:
            return 0
        send(self._connection, {"offset": self._position, "length": length})
        block = receive(self._connection).content
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)
