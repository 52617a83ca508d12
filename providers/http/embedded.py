"""Streams base64 files out of a vendor's JSON, so that a whole answer is never in memory.

A file is the text of a member with a known name, with or without the head of a `data:` URI, or a `data:` URI in any
place. A JSON document can also be a text in another one: then `\"` ends a `data:` URI.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator

import httpx

from schemas.errors import DownloadError

# A shorter text is not a file and stays in the document.
_LEAST_BYTES = 1024
# The most bytes between a name and its text: a colon and white space.
_GAP_BYTES = 64
_ESCAPE_OR_END = re.compile(rb'\\.|"', re.DOTALL)
_LONGEST_ESCAPE = len(rb"\u003d")

DATA_URI = "data:"
"""In place of the name of a member: the file is a `data:` URI in any place of the document."""
_LONGEST_HEAD = 200
_DATA_URI = re.compile(rb'"data:[^",\s]{0,%d};base64,' % _LONGEST_HEAD)

_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class Kept:
    """Keeps the first file of a document in memory, up to a limit. A text that is not base64 is no file."""

    def __init__(self, most: int) -> None:
        self.content = bytearray()
        self.is_too_large = False
        self._most = most
        self._file = _Base64()
        self._is_over = False

    def add(self, part: bytes) -> None:
        """Add a part of a file's text."""
        self._take(lambda: self._file.decode(part))

    def end(self) -> None:
        """End a file's text. The next text is another file."""
        self._take(self._file.end)
        self._file, self._is_over = _Base64(), bool(self.content)

    def _take(self, decoded: Callable[[], bytes]) -> None:
        if self._is_over or self.is_too_large:
            return
        try:
            self.content += decoded()
        except DownloadError:
            self.content.clear()
            self._is_over = True
        if len(self.content) > self._most:
            self.is_too_large = True


def without_files(chunks: Iterable[bytes], name: str, kept: Kept | None = None) -> Iterator[bytes]:
    """Empties every long text of this name in a JSON document.

    Args:
        kept: keeps the first file. If given, short texts are taken out too.
    """
    short = bytearray()
    is_file = False
    for piece in _pieces(chunks, name):
        if not piece.is_text:
            if kept is not None:
                kept.end()
            yield bytes(short) + piece.content
            short.clear()
            is_file = False
            continue
        short += piece.content
        is_file = is_file or len(short) > (_LEAST_BYTES if kept is None else 0)
        if is_file:
            if kept is not None:
                kept.add(bytes(short))
            short.clear()
    yield bytes(short)


def with_links(chunks: Iterable[bytes], link: Callable[[int], str], kept: Kept | None = None) -> Iterator[bytes]:
    """Replaces every `data:` URI in a JSON document by a link.

    Args:
        link: returns the link for the URI that `file_in` finds after skipping this many.
        kept: keeps the first file.
    """
    held, number, in_text = b"", 0, False
    for piece in _pieces(chunks, DATA_URI):
        if piece.is_text:
            if not in_text:
                # The previous piece ends with the head of the URI, which contains no quotation mark but its first.
                yield held[: held.rindex(b'"') + 1] + link(number).encode()
                held, number = b"", number + 1
            if kept is not None:
                kept.add(piece.content)
        else:
            if in_text and kept is not None:
                kept.end()
            yield held
            held = piece.content
        in_text = piece.is_text
    yield held


def file_in(chunks: Iterable[bytes], name: str, *, after: int = 0) -> Iterator[bytes]:
    """The file in the first text of this name in a JSON document, after skipping `after` texts of the name.

    Raises:
        DownloadError: `is_stale` if the document has no such text; `is_final` if the text is not base64.
        httpx.RemoteProtocolError: the document ended within the text.
    """
    file: _Base64 | None = None
    was_text = False
    for piece in _pieces(chunks, name):
        if after:
            # One text can arrive in several pieces. It ends where a piece of another kind begins.
            after -= was_text and not piece.is_text
            was_text = piece.is_text
        elif piece.is_text and piece.content:
            file = file or _Base64()
            yield file.decode(piece.content)
        elif file is not None and not piece.is_text:
            yield file.end()
            return
    if file is not None:
        raise httpx.RemoteProtocolError("the body ended within the file")
    raise DownloadError("the provider's answer holds no file", is_stale=True)


class _Base64:
    """Decodes a text in parts."""

    def __init__(self) -> None:
        self._rest = b""
        self._has_begun = False

    def decode(self, part: bytes) -> bytes:
        """The bytes that this part completes."""
        text = self._rest + _unescaped(part)
        if not self._has_begun and text[:5] == b"data:"[: len(text)]:
            # The text has the head of a `data:` URI, or too few characters to tell.
            text, self._rest = text.partition(b",")[2], text
            if not text:
                if len(self._rest) > _LONGEST_HEAD:
                    raise _not_base64()
                return b""
        self._has_begun = True
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        return _decoded(text[:whole])

    def end(self) -> bytes:
        """The last bytes. Some vendors omit the padding."""
        return _decoded(self._rest + b"=" * (-len(self._rest) % 4))


class _Piece:
    """A part of the document. `is_text`: a part of a text with the wanted name."""

    def __init__(self, content: bytes, *, is_text: bool) -> None:
        self.content = content
        self.is_text = is_text


def _pieces(chunks: Iterable[bytes], name: str) -> Iterator[_Piece]:
    is_uri = name == DATA_URI
    # JSON strings escape quotation marks, so this pattern matches only at the start of a member.
    member = rb'"%s"\s{0,%d}:\s{0,%d}"' % (re.escape(name.encode()), _GAP_BYTES // 2, _GAP_BYTES // 2)
    opening = _DATA_URI if is_uri else re.compile(member)
    longest_opening = len(name) + _GAP_BYTES + len(b'"":"') + (_LONGEST_HEAD if is_uri else 0)
    buffer = b""
    in_text = False
    for chunk in chunks:
        buffer += chunk
        while True:
            end = _end_of_text(buffer, is_uri=is_uri) if in_text else _end_of_match(opening, buffer)
            if end is None:
                break
            yield _Piece(buffer[:end], is_text=in_text)
            buffer = buffer[end:]
            in_text = not in_text
        held = _cut_escape(buffer) if in_text else longest_opening
        ready = max(len(buffer) - held, 0)
        if ready:
            yield _Piece(buffer[:ready], is_text=in_text)
            buffer = buffer[ready:]
    yield _Piece(buffer, is_text=in_text)


def _end_of_text(buffer: bytes, *, is_uri: bool) -> int | None:
    ends = {b'"', b'\\"'} if is_uri else {b'"'}
    return next((found.start() for found in _ESCAPE_OR_END.finditer(buffer) if found.group() in ends), None)


def _end_of_match(opening: re.Pattern[bytes], buffer: bytes) -> int | None:
    found = opening.search(buffer)
    return None if found is None else found.end()


def _cut_escape(buffer: bytes) -> int:
    """The number of bytes at the end that may belong to an incomplete escape."""
    tail = buffer[-(_LONGEST_ESCAPE - 1) :]
    backslash = tail.find(b"\\")
    return 0 if backslash < 0 else len(tail) - backslash


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    try:
        unescaped: str = json.loads(b'"' + text + b'"')
        # In a document inside a document, slashes can be escaped twice.
        return "".join(unescaped.replace("\\/", "/").split()).encode("ascii")
    except ValueError:
        raise _not_base64() from None


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.translate(_FROM_URL_SAFE), validate=True)
    except binascii.Error:
        raise _not_base64() from None


def _not_base64() -> DownloadError:
    return DownloadError("the file in the provider's answer is not base64", is_final=True)
