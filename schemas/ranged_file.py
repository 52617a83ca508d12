"""A file whose bytes are elsewhere, as a seekable file."""

import io
from abc import abstractmethod


class RangedFile(io.RawIOBase):
    """A file that is read in ranges. A subclass fetches the bytes.

    Args:
        size_bytes: the length of the file.
        most_bytes: the most bytes of one range. None: no limit.
    """

    def __init__(self, size_bytes: int, *, most_bytes: int | None = None) -> None:
        self._size = size_bytes
        self._most = size_bytes if most_bytes is None else most_bytes
        self._position = 0

    @abstractmethod
    def fetch(self, offset: int, length: int) -> bytes:
        """Bytes of the file: `length` of them, or fewer but at least one."""

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
        """Read the next bytes. Returns their number; 0 at the end."""
        length = min(len(buffer), self._size - self._position, self._most)
        if length <= 0:
            return 0
        block = self.fetch(self._position, length)
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)
