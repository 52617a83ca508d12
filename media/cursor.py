"""Steps through the structure of a file, and notices where the file ends too early."""

import io
from typing import BinaryIO

from schemas.errors import ResultInvalid


class CutFile(ResultInvalid):
    """The end of the file is missing."""

    def __init__(self) -> None:
        super().__init__("the file is cut: its end is missing")


class Cursor:
    """A position in a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, io.SEEK_END)
        self.position = file.seek(0)

    @property
    def left(self) -> int:
        """The number of bytes after the position."""
        return self.size - self.position

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            CutFile: the file ends before.
        """
        if size > self.left:
            raise CutFile
        block = self._file.read(size)
        self.position += len(block)
        return block

    def number(self, size: int) -> int:
        """The next bytes as an unsigned number, the highest byte first."""
        return int.from_bytes(self.read(size))

    def skip(self, size: int) -> None:
        """Skip bytes.

        Raises:
            CutFile: the file ends before.
        """
        self.move_to(self.position + size)

    def move_to(self, position: int) -> None:
        """Go to a position.

        Raises:
            CutFile: the file ends before.
        """
        if position > self.size:
            raise CutFile
        self.position = self._file.seek(position)
