"""The output file of a variant: one open descriptor, whose size the kernel limits."""

import errno
import hashlib
import io
import os
from typing import Any, BinaryIO

_BLOCK_BYTES = 1024**2


class FileTooLarge(Exception):
    """The output file reached its limit."""


class DiskFull(Exception):
    """The disk has no room for the output file."""


class Sink(io.RawIOBase):
    """A view of the output file with a position of its own. Muxers write the file, and read it again."""

    def __init__(self, descriptor: int, name: str = "output") -> None:
        self._descriptor = descriptor
        self._position = 0
        self.name = name
        self.trouble: Exception | None = None
        """The first error of a write. FFmpeg tells its callers of an unknown error only."""

    @property
    def file(self) -> BinaryIO:
        """The same, for FFmpeg: a raw file has the methods that FFmpeg calls."""
        return self  # type: ignore[return-value]  # `BinaryIO` has more

    def readable(self) -> bool:
        """The file can be read."""
        return True

    def writable(self) -> bool:
        """The file can be written."""
        return True

    def seekable(self) -> bool:
        """The file has positions."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: size_of(self._descriptor)}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes. Returns their number; 0 at the end."""
        block = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)

    def write(self, block: bytes | bytearray | memoryview) -> int:  # type: ignore[override]  # as in `RangedFile`
        """Write all bytes at the position.

        Raises:
            FileTooLarge: the file would be longer than its limit.
            DiskFull: the disk is full.
        """
        try:
            with memoryview(block) as view:
                written = 0
                while written < len(view):
                    written += os.pwrite(self._descriptor, view[written:], self._position + written)
        except OSError as error:
            self.trouble = self.trouble or _named(error)
            raise self.trouble from error
        self._position += written
        return written

    def close(self) -> None:
        """Keep the file open: the worker reads it after the muxer."""


def _named(error: OSError) -> Exception:
    match error.errno:
        case errno.EFBIG:
            return FileTooLarge("the output file reached its limit")
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFull("the disk has no room for the output file")
        case _:
            return error


def size_of(descriptor: int) -> int:
    """The length of a file."""
    return os.fstat(descriptor).st_size


def sha256_of(descriptor: int) -> str:
    """The hash of a file, in lower-case hex."""
    digest, position = hashlib.sha256(), 0
    while block := os.pread(descriptor, _BLOCK_BYTES, position):
        digest.update(block)
        position += len(block)
    return digest.hexdigest()
