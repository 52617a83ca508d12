"""Downloads a result as a stream that resumes after a lost connection, with bounded memory."""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from types import TracebackType
from typing import Self

import httpx
import structlog

from providers.base import ResultRequest
from providers.files.result_source import ResultSource, Validator
from providers.http.encodings import is_encoded
from schemas.enums import Kind
from schemas.errors import DownloadError, WrongFile
from schemas.media_types import HEAD_BYTES, RESULTS, MediaType, sniff
from schemas.setting_groups import DownloadSettings
from traces import spans
from traces.names import Attribute, SpanKind

MAX_RESUMES = 5

# Python refuses to read thousands of digits, and no file has so many bytes.
_MOST_DIGITS = 18

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def open_download(
    request: ResultRequest,
    settings: DownloadSettings,
    *,
    kind: Kind,
    formats: Collection[MediaType] | None = None,
    on_chunk: Callable[[int], None] | None = None,
) -> "Download":
    """Open a result and check its first bytes. Use the download as a context manager.

    Args:
        kind: what was ordered.
        formats: the formats to take. None: all formats in which vendors deliver the kind.
        on_chunk: called between chunks with the bytes received so far. An exception from it stops the download.

    Raises:
        WrongFile: the host sends something else than a file of these formats.
        SlowSource: the host sends less than the least rate.
        DownloadError: `is_stale` for a refused link; `is_final` for a refused address or a file above the size limit;
            neither for a failure that can pass.
    """
    download = Download(ResultSource(request, settings), settings, on_chunk or _ignore)
    try:
        download.start(kind, RESULTS[kind] if formats is None else formats)
    except BaseException as error:
        download.close(error)
        raise
    return download


class Download:
    """Reads a result, and resumes after a lost connection.

    A resumed part must continue the same file. Either the server confirms this (`If-Range` and `Content-Range`), or the
    server sends the whole file again and its beginning has the same hash as the bytes received so far. An encoded file
    is always sent again, because a range would count the encoded bytes.
    """

    media: MediaType

    def __init__(self, source: ResultSource, settings: DownloadSettings, on_chunk: Callable[[int], None]) -> None:
        self.size_bytes: int | None = None
        self.received_bytes = 0
        self.resumes = 0
        self._source = source
        self._max_bytes = settings.max_bytes
        self._on_chunk = on_chunk
        self._sha256 = hashlib.sha256()
        self._validator = Validator()
        self._is_encoded = False
        self._buffer = bytearray()
        self._chunks: Iterator[bytes] = iter(())
        self._began_at = time.time()

    @property
    def content_type(self) -> str:
        """The media type of the bytes. The header Content-Type does not count."""
        return self.media.content_type

    @property
    def sha256(self) -> str:
        """The hash of the bytes received so far, in lower-case hex. After `read` has returned the end: of the file."""
        return self._sha256.hexdigest()

    def start(self, kind: Kind, formats: Collection[MediaType]) -> None:
        """Connect, and check the size and the first bytes. `open_download` calls this."""
        try:
            response = self._source.open()
        except httpx.HTTPError as error:
            raise self._source.lost(error) from None
        self.size_bytes = self._source.size_of(response)
        self._check_size(self.size_bytes or 0)
        self._validator = Validator.of(response)
        self._is_encoded = is_encoded(response)
        self._chunks = self._source.chunks(response)
        self._fill(HEAD_BYTES)
        media = sniff(bytes(self._buffer[:HEAD_BYTES]))
        if media is None or media not in formats:
            raise _wrong(media, kind, formats)
        self.media = media

    def read(self, size: int = -1, /) -> bytes:
        """Read `size` bytes, or fewer at the end of the file. Negative: read all.

        Raises:
            DownloadError: as `open_download`, and after too many lost connections or after the time limit.
        """
        self._fill(size)
        with memoryview(self._buffer) as buffered:
            block = bytes(buffered if size < 0 else buffered[:size])
        del self._buffer[: len(block)]
        return block

    def _fill(self, size: int) -> None:
        while size < 0 or len(self._buffer) < size:
            chunk = self._next_chunk()
            if chunk is None:
                return
            self._buffer += chunk

    def _next_chunk(self) -> bytes | None:
        """The next bytes; None at the end. Resumes after each lost connection."""
        while True:
            try:
                chunk = next(self._chunks, None)
            except httpx.HTTPError as error:
                self._resume(error)
                continue
            if chunk is not None:
                self._take(chunk)
                return chunk
            if self.size_bytes is None or self.received_bytes == self.size_bytes:
                return None
            # A server can send fewer bytes than the range asks for.
            self._resume(httpx.RemoteProtocolError("the body ended early"))

    def _take(self, chunk: bytes) -> None:
        self.received_bytes += len(chunk)
        self._check_size(self.received_bytes)
        self._sha256.update(chunk)
        self._on_chunk(self.received_bytes)

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise DownloadError(f"the file is larger than {self._max_bytes} bytes", is_final=True)

    def _resume(self, error: httpx.HTTPError) -> None:
        """Open the rest of the file. `error` ended the previous part."""
        while True:
            if self.resumes == MAX_RESUMES or self._source.time_left() <= 0:
                raise self._source.lost(error) from None
            self.resumes += 1
            log.info("download_resumed", received_bytes=self.received_bytes, failure=type(error).__name__)
            try:
                self._chunks = self._rest()
            except httpx.HTTPError as next_error:
                error = next_error
            else:
                return

    def _rest(self) -> Iterator[bytes]:
        offset = 0 if self._is_encoded else self.received_bytes
        response = self._source.open(offset=offset, validator=self._validator)
        if not self._validator.matches(response):
            raise _changed()
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            if is_encoded(response):
                raise _changed()
            self._check_range(response.headers.get("content-range", ""))
            return self._source.raw(response)
        size = self._source.size_of(response)
        if None not in {size, self.size_bytes} and size != self.size_bytes:
            raise _changed()
        return self._without_prefix(self._source.chunks(response))

    def _check_range(self, content_range: str) -> None:
        """Check `bytes 100-199/200` (RFC 9110, section 14.4). The size after the slash can be `*`."""
        span, _, size = content_range.removeprefix("bytes ").partition("/")
        if span.partition("-")[0] != str(self.received_bytes):
            raise _changed()
        is_number = size.isascii() and size.isdigit() and len(size) <= _MOST_DIGITS
        if is_number and self.size_bytes not in {None, int(size)}:
            raise _changed()

    def _without_prefix(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Skip the beginning of a file that is sent again, and check that it equals the bytes received so far."""
        prefix, missing = hashlib.sha256(), self.received_bytes
        rest = b""
        while missing:
            chunk = next(chunks, None)
            if chunk is None:
                raise _changed()
            self._on_chunk(self.received_bytes)
            prefix.update(chunk[:missing])
            chunk, rest = chunk[:missing], chunk[missing:]
            missing -= len(chunk)
        if prefix.digest() != self._sha256.digest():
            raise _changed()
        return _chained(rest, chunks)

    def close(self, error: BaseException | None = None) -> None:
        """Close the connection.

        Args:
            error: what ended the download. None: nothing went wrong.
        """
        self._source.close()
        attributes = {Attribute.BYTES: self.received_bytes, Attribute.RESUMES: self.resumes}
        failure = None if error is None else type(error).__name__
        spans.record("GET file", SpanKind.CLIENT, attributes, began_at=self._began_at, error=failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(error)


def _chained(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from others


def _wrong(media: MediaType | None, kind: Kind, formats: Collection[MediaType]) -> WrongFile:
    if media is not None and media.kind is kind:
        taken = ", ".join(sorted(each.content_type for each in formats))
        return WrongFile(f"the file is {media.content_type}, and not one of {taken}")
    found = "no image or video" if media is None else media.content_type
    return WrongFile(f"the file is {found}, where {kind.value} was ordered")


def _changed() -> DownloadError:
    return DownloadError("the file changed between two parts of its download")


def _ignore(_received: int) -> None:
    pass
