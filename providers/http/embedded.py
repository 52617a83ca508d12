"""Streams base64 files out of a vendor's JSON, so that a whole answer is never in memory."""

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

_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def without_files(chunks: Iterable[bytes], name: str, into: Callable[[bytes], object] | None = None) -> Iterator[bytes]:
    """Empties every long text of this name in a JSON document.

    Args:
        into: receives the decoded texts. If given, short texts are taken out too.

    Raises:
        DownloadError: `is_final`; `into` is given, and a text is not base64.
    """
    kept = bytearray()
    file: _Base64 | None = None
    for piece in _pieces(chunks, name):
        if not piece.is_text:
            if file is not None and into is not None:
                into(file.end())
            yield bytes(kept) + piece.content
            kept.clear()
            file = None
            continue
        kept += piece.content
        if file is None and len(kept) > (_LEAST_BYTES if into is None else 0):
            file = _Base64()
        if file is not None:
            if into is not None:
                into(file.decode(bytes(kept)))
            kept.clear()
    yield bytes(kept)


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

    def decode(self, part: bytes) -> bytes:
        """The bytes that this part completes."""
        text = self._rest + _unescaped(part)
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
    # JSON strings escape quotation marks, so this pattern matches only at the start of a member.
    opening = re.compile(rb'"%s"\s{0,%d}:\s{0,%d}"' % (re.escape(name.encode()), _GAP_BYTES // 2, _GAP_BYTES // 2))
    longest_opening = len(name) + _GAP_BYTES + len(b'"":"')
    buffer = b""
    in_text = False
    for chunk in chunks:
        buffer += chunk
        while True:
            end = _end_of_text(buffer) if in_text else _end_of_match(opening, buffer)
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


def _end_of_text(buffer: bytes) -> int | None:
    return next((found.start() for found in _ESCAPE_OR_END.finditer(buffer) if found.group() == b'"'), None)


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
        return "".join(unescaped.split()).encode("ascii")
    except ValueError:
        raise _not_base64() from None


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.translate(_FROM_URL_SAFE), validate=True)
    except binascii.Error:
        raise _not_base64() from None


def _not_base64() -> DownloadError:
    return DownloadError("the file in the provider's answer is not base64", is_final=True)
