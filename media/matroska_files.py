"""The structure of Matroska files (RFC 9559) and WebM files: EBML elements (RFC 8794)."""

from media.cursor import Cursor, CutFile

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
# The elements that a player needs: Info, Tracks, SimpleBlock and BlockGroup. An index or tags may be missing.
_NEEDED = frozenset({0x1549A966, 0x1654AE6B, 0xA3, 0xA0})
_LONGEST_ID = 4
_LONGEST_SIZE = 8


def is_finished(cursor: Cursor) -> bool:
    """Whether the file contains all bytes that its header announces. A live stream announces no size.

    Raises:
        CutFile: the file ends within a block.
    """
    while cursor.left:
        kind = _number(cursor, _LONGEST_ID, keeps_mark=True)
        size = _number(cursor, _LONGEST_SIZE)
        if kind is None or size is None:
            return False
        if size <= cursor.left:
            if kind == _SEGMENT:
                return True
            cursor.skip(size)
        elif kind in _NEEDED:
            raise CutFile
        elif kind not in {_SEGMENT, _CLUSTER}:
            return False
        # Else the next element is inside: this one has no known size, or ends later than the file.
    return False


def _number(cursor: Cursor, longest: int, *, keeps_mark: bool = False) -> int | None:
    """A number whose first byte tells its length. None if there is no such number."""
    if not cursor.left:
        return None
    first = cursor.number(1)
    length = 9 - first.bit_length()
    if length > longest or length - 1 > cursor.left:
        return None
    value = first if keeps_mark else first & (0xFF >> length)
    return value << 8 * (length - 1) | (cursor.number(length - 1) if length > 1 else 0)
