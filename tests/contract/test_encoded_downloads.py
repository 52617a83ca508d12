"""Downloads from a host that sends a file in an encoding that was not asked for."""

import gzip
import hashlib
import random
import zlib

import pytest

from providers.base import ResultRequest
from providers.files.downloads import Download, open_download
from providers.http import encodings
from schemas.enums import Kind
from schemas.errors import DownloadError, WrongFile
from tests.contract.raw_server import RawServer, http, raw, response
from tests.contract.test_downloads import ETAG, FILE, SHA256, settings

GZIP = {"Content-Encoding": "gzip"}
# Bytes that gzip hardly shortens, so that a cut lies in the middle of the file.
NOISE = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(300_000)
PACKED = gzip.compress(NOISE)


def opened(server: RawServer, **changes: object) -> Download:
    return open_download(ResultRequest(f"{server.url}/1.png"), settings(**changes), kind=Kind.IMAGE)


def failure_of(server: RawServer, **changes: object) -> DownloadError:
    """The error of a download."""
    with pytest.raises(DownloadError) as caught, opened(server, **changes) as download:
        download.read()
    return caught.value


def test_size_and_hash_are_those_of_the_decoded_file(server: RawServer) -> None:
    server.will(http(200, gzip.compress(FILE), GZIP))
    with opened(server) as download:
        assert download.size_bytes is None, "the length in the header counts the encoded bytes"
        assert download.read() == FILE
        assert (download.received_bytes, download.sha256, download.content_type) == (len(FILE), SHA256, "image/png")


def test_the_limit_counts_decoded_bytes(server: RawServer) -> None:
    server.will(http(200, gzip.compress(FILE), GZIP))
    assert len(gzip.compress(FILE)) < 10_000
    error = failure_of(server, max_bytes=10_000)
    assert (error.message, error.is_final) == ("the file is larger than 10000 bytes", True)


def test_decoding_needs_little_memory_whatever_the_file_unfolds_to() -> None:
    packed = gzip.compress(bytes(50_000_000))
    assert len(packed) < 60_000
    sizes = [len(block) for block in encodings.decoded(iter([packed]))]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 256 * 1024


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
def test_a_file_of_several_members_and_padding(step: int) -> None:
    body = gzip.compress(FILE[:1000]) + gzip.compress(FILE[1000:]) + bytes(512)
    chunks = (body[start : start + step] for start in range(0, len(body), step))
    assert b"".join(encodings.decoded(chunks)) == FILE


def test_a_file_whose_host_only_says_gzip(server: RawServer) -> None:
    server.will(http(200, FILE, GZIP))
    with opened(server) as download:
        assert download.read() == FILE


def test_a_cut_download_starts_again_without_a_range(server: RawServer) -> None:
    whole = response(200, PACKED, {**GZIP, "ETag": ETAG})
    server.will(raw(whole[:-100_000]), raw(whole))
    with opened(server) as download:
        assert download.read() == NOISE
        assert (download.sha256, download.resumes) == (hashlib.sha256(NOISE).hexdigest(), 1)
    assert "range" not in server.requests[1].headers


def test_a_cut_download_goes_on_with_the_plain_file(server: RawServer) -> None:
    server.will(raw(response(200, PACKED, GZIP)[:-100_000]), http(200, NOISE))
    with opened(server) as download:
        assert download.read() == NOISE


def test_a_plain_download_goes_on_with_the_encoded_file(server: RawServer) -> None:
    server.will(raw(response(200, NOISE)[:-100_000]), http(200, PACKED, GZIP))
    with opened(server) as download:
        assert download.read() == NOISE


def test_another_file_after_a_cut_is_noticed(server: RawServer) -> None:
    other = gzip.compress(NOISE[:100] + b"!" + NOISE[101:])
    server.will(raw(response(200, PACKED, GZIP)[:-100_000]), http(200, other, GZIP))
    assert failure_of(server).message == "the file changed between two parts of its download"


def test_an_encoded_range_is_not_stitched_to_a_plain_beginning(server: RawServer) -> None:
    cut = raw(response(200, NOISE, {"ETag": ETAG})[:-100_000])
    start = len(NOISE) - 100_000
    part = {**GZIP, "ETag": ETAG, "Content-Range": f"bytes {start}-{len(NOISE) - 1}/{len(NOISE)}"}
    server.will(cut, http(206, NOISE[start:], part))
    assert failure_of(server).message == "the file changed between two parts of its download"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PACKED[:-100_000], "the file is cut: its gzip encoding has no end"),
        (PACKED[:1000] + bytes(1000) + PACKED[2000:], "the file is damaged: its gzip encoding cannot be decoded"),
    ],
    ids=["cut", "damaged"],
)
def test_a_body_that_is_cut_or_damaged_is_the_wrong_file(server: RawServer, body: bytes, reason: str) -> None:
    server.will(http(200, body, GZIP))
    error = failure_of(server)
    assert isinstance(error, WrongFile)
    assert error.message == reason


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "identity, br", "x" * 1000])
def test_another_encoding_is_the_wrong_file(server: RawServer, encoding: str) -> None:
    server.will(http(200, zlib.compress(FILE), {"Content-Encoding": encoding}))
    error = failure_of(server)
    assert isinstance(error, WrongFile)
    assert error.message.startswith("the file's host sends it in the encoding ")
    assert error.message.endswith(": only one layer of gzip is decoded")
    assert len(error.message) < 140
