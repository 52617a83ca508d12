"""Steps through the structure of a file, and notices where the file ends too early."""

import io
from typing import BinaryIO

from schemas.errors import ResultInvalid

# An hour of live video has some 300,000 blocks. A file of nothing but empty parts must end too.
_MOST_STEPS = 10_000_000


class CutFile(ResultInvalid):
    """The end of the file is missing."""

    def __init__(self) -> None:
        super().__init__("the file is cut: its end is missing")


class Cursor:
    """A position in a file. Steps beyond a limit raise `ResultInvalid`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, io.SEEK_END)
        self.position = file.seek(0)
        self._steps = 0

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
        self._count()
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
        self._count()
        self.position = self._file.seek(position)

    def _count(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise ResultInvalid("the file has too many parts")
