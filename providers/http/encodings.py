"""Decodes the Content-Encoding of an answer in bounded steps.

We ask for `identity`. Some hosts send gzip all the same, because they store the file that way.
"""

import zlib
from collections.abc import Generator, Iterator

import httpx

from schemas.errors import WrongFile

# `aws-chunked` describes an upload. Some stores send the header with downloads, whose bytes are the file's.
_NONE = frozenset({"", "identity", "aws-chunked"})
_GZIP = frozenset({"gzip", "x-gzip"})

_MAGIC = b"\x1f\x8b"
_STEP_BYTES = 256 * 1024
_ZLIB_GZIP = 16 + zlib.MAX_WBITS

# The names that a message may repeat: a host can answer with any text, also with what we sent.
_KNOWN = _GZIP | {"br", "compress", "deflate", "zstd"}
_MOST_SHOWN = 4


def is_encoded(response: httpx.Response) -> bool:
    """Whether `decoded` must decode the body.

    Raises:
        WrongFile: the encoding is not one layer of gzip.
    """
    named = response.headers.get_list("content-encoding", split_commas=True)
    layers = [layer for name in named if (layer := name.strip().lower()) not in _NONE]
    if not layers:
        return False
    if len(layers) == 1 and layers[0] in _GZIP:
        return True
    shown = ", ".join(layer if layer in _KNOWN else "unknown" for layer in layers[:_MOST_SHOWN])
    raise WrongFile(f"the file's host sends it in the encoding {shown!r}: only one layer of gzip is decoded")


def decoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decode gzip (RFC 1952). A body that is no gzip stays as it is: some hosts send the wrong header.

    Raises:
        WrongFile: the body is damaged, or ends within the file.
    """
    data = _with_magic(b"", chunks)
    if not data.startswith(_MAGIC):
        yield data
        yield from chunks
        return
    # A file may consist of several members. Bytes of another kind after a member are padding.
    while data.startswith(_MAGIC):
        rest = yield from _member(data, chunks)
        data = _with_magic(rest, chunks)


def _with_magic(data: bytes, chunks: Iterator[bytes]) -> bytes:
    """The bytes with so many of the next chunks that they show whether a member begins."""
    while len(data) < len(_MAGIC) and (more := next(chunks, b"")):
        data += more
    return data


def _member(data: bytes, chunks: Iterator[bytes]) -> Generator[bytes, None, bytes]:
    """Decode one member. Returns the bytes after the member."""
    decoder = zlib.decompressobj(_ZLIB_GZIP)
    while True:
        yield from _steps(decoder, data)
        if decoder.eof:
            return decoder.unused_data
        data = next(chunks, b"")
        if not data:
            raise WrongFile("the file is cut: its gzip encoding has no end")


def _steps(decoder: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """Decode bytes, with an output of at most `_STEP_BYTES` at a time."""
    while True:
        try:
            block = decoder.decompress(data, _STEP_BYTES)
        except zlib.error:
            raise WrongFile("the file is damaged: its gzip encoding cannot be decoded") from None
        if block:
            yield block
        data = decoder.unconsumed_tail
        # A full block can leave output behind in the decoder, even without input.
        if decoder.eof or (not data and len(block) < _STEP_BYTES):
            return
