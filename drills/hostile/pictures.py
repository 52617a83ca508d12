"""Pictures that are small as files and large in memory, and files that bring decoders to their limits."""

import gzip
import random
import re
import struct
import zlib
from collections.abc import Iterator
from functools import cache, reduce
from io import BytesIO
from itertools import islice

from PIL import Image

_MEBIBYTE = 1024**2

PNG_BEGIN = b"\x89PNG\r\n\x1a\n"
_RGBA = 6
_GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\2\xff"


def png(width: int, height: int, *, bits: int = 8, rows: int | None = None) -> bytes:
    """A black PNG with four channels. `rows`: the rows that the file really has."""
    packed, row = zlib.compressobj(9), bytes(1 + width * 4 * bits // 8)
    pixels = b"".join(packed.compress(row) for _ in range(height if rows is None else rows)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, _RGBA, 0, 0, 0)
    return PNG_BEGIN + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def long_png() -> bytes:
    """7 MiB that do not pack: a picture of noise."""
    side = 1350
    with BytesIO() as file:
        Image.frombytes("RGBA", (side, side), random.Random(1).randbytes(4 * side * side)).save(file, "PNG")
        return file.getvalue()


@cache
def heavy_png() -> bytes:
    """510 kB that unfold to half a gigabyte: 8100 x 8100 pixels with four channels of 16 bits."""
    return png(8100, 8100, bits=16)


def png_with_texts(mebibytes: int) -> bytes:
    """A small PNG with many compressed texts, each of which unfolds to a mebibyte."""
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(_MEBIBYTE), 9))
    whole = png(64, 64)
    begin = whole.index(b"IDAT") - 4
    return whole[:begin] + text * mebibytes + whole[begin:]


def webp(width: int, height: int) -> bytes:
    """The header of a lossless WebP, without a picture."""
    bits = (width - 1) | (height - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + bytes(64)
    body = b"WEBPVP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg(width: int, height: int) -> bytes:
    """The header of a JPEG, without a picture."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\1\x22\0\2\x11\1\3\x11\1"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xda\0\x0c\3\1\0\2\0\3\0\0\x3f\0"


@cache
def slow_jpeg(side: int, scans: int) -> bytes:
    """A black progressive JPEG whose second scan comes again and again: for each, a decoder passes over all pixels."""
    file = BytesIO()
    Image.new("L", (side, side)).save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    first, second = (match.start() for match in islice(re.finditer(b"\xff\xda", whole), 2))
    # A scan begins with its Huffman table.
    begin, end = whole.index(b"\xff\xc4", first), whole.index(b"\xff\xc4", second)
    return whole[:end] + whole[begin:end] * scans + whole[end:]


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF with many frames of its full size."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2\x44\1\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b"\x3b"


def mp4_of_boxes(depth: int) -> bytes:
    """The boxes of an MP4, each inside the one before."""
    begin = struct.pack(">I", 24) + b"ftypisom" + bytes(4) + b"isommp42"
    nested = b""
    for _ in range(depth):
        nested = struct.pack(">I", len(nested) + 8) + b"moov" + nested
    return begin + nested


@cache
def gzip_bomb(mebibytes: int, begin: bytes = b"") -> bytes:
    """One layer of gzip that unfolds to zeros after a beginning."""
    zeros = bytes(_MEBIBYTE)
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    head = packer.compress(begin) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush, equal bytes are packed into equal bytes.
    block = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = reduce(lambda found, _: zlib.crc32(zeros, found), range(mebibytes), zlib.crc32(begin))
    size = (len(begin) + mebibytes * _MEBIBYTE) % 2**32
    end = packer.flush() + struct.pack("<II", checksum, size)
    return _GZIP_HEAD + head + block * mebibytes + end


@cache
def double_bomb(mebibytes: int) -> bytes:
    """Two layers of gzip."""
    return gzip.compress(gzip_bomb(mebibytes), 9)


def endless(begin: bytes, block: bytes, mebibytes: int) -> Iterator[bytes]:
    """A file that is as long as the other side reads."""
    yield begin
    for _ in range(mebibytes * _MEBIBYTE // len(block)):
        yield block
