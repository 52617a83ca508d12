"""Files that a vendor embeds in its JSON, as base64 text: taken out of the stream, so that no answer is held whole."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator

import httpx

from schemas.errors import DownloadError

# A text shorter than this is no file, and stays where it is.
_LEAST_BYTES = 1024
# Between a name and its text: a colon, and some white space.
_GAP_BYTES = 64
_ESCAPE_OR_END = re.compile(rb'\\.|"', re.DOTALL)
_LONGEST_ESCAPE = len(rb"\u003d")

_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def without_files(chunks: Iterable[bytes], name: str, into: Callable[[bytes], object] | None = None) -> Iterator[bytes]:
    """A JSON document, in which every long text of that name is empty.

    Args:
        into: gets what the texts hold, decoded, where it is wanted; then a short one counts as well.

    Raises:
        DownloadError: `is_final`; such a text is wanted and is not base64.
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
    """The file that is the first text of that name in a JSON document, after so many others of that name.

    Raises:
        DownloadError: `is_stale` where there is none; `is_final` where it is not base64.
        httpx.RemoteProtocolError: the document ended within it.
    """
    file: _Base64 | None = None
    was_text = False
    for piece in _pieces(chunks, name):
        if after:
            # A text comes in one piece or several, and ends where something else begins.
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
    """A text being decoded, a part at a time."""

    def __init__(self) -> None:
        self._rest = b""

    def decode(self, part: bytes) -> bytes:
        """What the text holds up to here, as far as it was not told before."""
        text = self._rest + _unescaped(part)
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        return _decoded(text[:whole])

    def end(self) -> bytes:
        """The last of it; some leave the padding out."""
        return _decoded(self._rest + b"=" * (-len(self._rest) % 4))


class _Piece:
    """A part of a document, or of a text in it that has the name."""

    def __init__(self, content: bytes, *, is_text: bool) -> None:
        self.content = content
        self.is_text = is_text


def _pieces(chunks: Iterable[bytes], name: str) -> Iterator[_Piece]:
    # In a JSON string a quotation mark is escaped, so this is found nowhere but where a member begins.
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
    """How many bytes at the end may be an escape whose rest has not arrived."""
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
