"""The object store: stored files in an S3-compatible bucket, streamed in both directions."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Literal, Protocol

import urllib3
from minio import Minio
from minio.datatypes import ListMultipartUploadsResult
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from schemas.ranged_file import RangedFile
from schemas.setting_groups import S3Settings

# S3 accepts up to 10,000 parts of at least 5 MiB. Parts of 8 MiB allow 80 GB and need 8 MiB of memory for each task.
PART_BYTES = 8 * 1024 * 1024

# A delimiter that no key contains. By default minio sends an empty delimiter, which some servers misunderstand.
_NO_DELIMITER = "\\"

# Probing reads the head and the tail of a file. One block usually contains each of them.
_BLOCK_BYTES = 256 * 1024


class Readable(Protocol):
    """A stream to upload."""

    def read(self, size: int = -1, /) -> bytes:
        """Read `size` bytes, or fewer at the end. A negative size reads all bytes."""


@dataclass(frozen=True)
class StoredObject:
    """An object, as the store describes it."""

    key: str
    """The key."""
    size_bytes: int
    """The length of the file."""
    content_type: str
    """The media type."""


@dataclass(frozen=True)
class ListedObject:
    """An object in a listing."""

    key: str
    """The key."""
    size_bytes: int
    """The length of the file."""
    modified_at: datetime
    """The time of the last write."""


@dataclass(frozen=True)
class MultipartUpload:
    """An unfinished multipart upload."""

    key: str
    """The key of the future object."""
    upload_id: str
    """S3's id of the multipart upload."""
    started_at: datetime
    """The time when the multipart upload began."""


class ObjectStore:
    """One bucket. Threads may share the store."""

    def __init__(self, settings: S3Settings, *, pool_size: int = 32) -> None:
        self._bucket = settings.bucket
        self._http = urllib3.PoolManager(
            maxsize=pool_size,
            timeout=urllib3.Timeout(connect=5, read=60),
            retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        )
        self._client = self._connect(settings, settings.endpoint, secure=settings.secure)
        self._presigner = self._connect_in_public(settings) if settings.public_endpoint else None

    def _connect_in_public(self, settings: S3Settings) -> Minio:
        # Presigning sends no request. This client only needs the host that customers and providers reach.
        secure = settings.secure if settings.public_secure is None else settings.public_secure
        return self._connect(settings, settings.public_endpoint, secure=secure)

    def _connect(self, settings: S3Settings, endpoint: str, *, secure: bool) -> Minio:
        return Minio(
            endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key.get_secret_value(),
            region=settings.region,
            secure=secure,
            http_client=self._http,
        )

    def ensure_bucket(self) -> None:
        """Create the bucket if it does not exist."""
        if not self._client.bucket_exists(self._bucket):
            try:
                self._client.make_bucket(self._bucket)
            except S3Error as error:
                if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                    raise

    def ping(self) -> None:
        """Raise if the store does not answer or the bucket does not exist."""
        if not self._client.bucket_exists(self._bucket):
            raise LookupError(f"the object store has no bucket {self._bucket!r}: run `reelworks migrate`")

    def put(self, key: str, body: Readable, *, size_bytes: int | None, content_type: str) -> None:
        """Upload a stream, and overwrite an existing object. Needs `PART_BYTES` of memory at any size."""
        self._client.put_object(
            self._bucket,
            key,
            body,  # type: ignore[arg-type]  # only read() is used
            length=-1 if size_bytes is None else size_bytes,
            part_size=PART_BYTES,
            # With more, minio starts threads. When a read fails, minio leaves these threads running, each with a part.
            num_parallel_uploads=1,
            content_type=content_type,
        )

    def put_bytes(self, key: str, body: bytes, *, content_type: str) -> None:
        """Upload a small object."""
        self.put(key, io.BytesIO(body), size_bytes=len(body), content_type=content_type)

    def stat(self, key: str) -> StoredObject | None:
        """The size and type of an object. None if the object does not exist."""
        try:
            found = self._client.stat_object(self._bucket, key)
        except S3Error as error:
            if error.code in {"NoSuchKey", "NoSuchObject"}:
                return None
            raise
        return StoredObject(key, found.size or 0, found.content_type or "application/octet-stream")

    @contextmanager
    def stream(self, key: str, *, offset: int = 0, length: int = 0) -> Iterator[Iterator[bytes]]:
        """Read `length` bytes of an object from `offset` in chunks. A `length` of 0 reads to the end."""
        response = self._client.get_object(self._bucket, key, offset=offset, length=length)
        try:
            yield response.stream(64 * 1024)
        finally:
            response.close()
            response.release_conn()

    def open(self, key: str, size_bytes: int, *, block_bytes: int = _BLOCK_BYTES) -> BinaryIO:
        """Open an object as a seekable file that fetches blocks on demand."""
        return io.BufferedReader(_Object(self, key, size_bytes), buffer_size=block_bytes)

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Read `length` bytes of an object from `offset`."""
        with self.stream(key, offset=offset, length=length) as chunks:
            return b"".join(chunks)

    def presigned_url(
        self,
        key: str,
        *,
        expires: timedelta = timedelta(hours=1),
        method: Literal["GET", "HEAD"] = "GET",
        disposition: str | None = None,
    ) -> str | None:
        """A link to an object. The link needs no credentials and expires. None without a public endpoint.

        Args:
            method: the only method that the link answers.
            disposition: the `Content-Disposition` of the answer.
        """
        if self._presigner is None:
            return None
        headers: dict[str, str | list[str] | tuple[str]] = {}
        if disposition is not None:
            headers["response-content-disposition"] = disposition
        return self._presigner.get_presigned_url(method, self._bucket, key, expires=expires, response_headers=headers)

    def remove(self, key: str) -> None:
        """Delete an object. A missing object is no error."""
        self._client.remove_object(self._bucket, key)

    def forget(self, key: str) -> None:
        """Delete an object that no row names. If the store fails, the object is an orphan, and a sweep deletes it."""
        with suppress(MinioException, HTTPError):
            self.remove(key)

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """List every object under a prefix. The listing is fetched in pages."""
        for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
            if found.object_name is not None and found.last_modified is not None:
                yield ListedObject(found.object_name, found.size or 0, found.last_modified)

    def multipart_uploads(self, prefix: str) -> Iterator[MultipartUpload]:
        """List every unfinished multipart upload under a prefix."""
        marker: str | None = None
        while True:
            page = self._multipart_uploads_after(prefix, marker)
            if page is None:
                return
            for upload in page.uploads:
                if upload.upload_id is not None and upload.initiated_time is not None:
                    yield MultipartUpload(upload.object_name, upload.upload_id, upload.initiated_time)
            marker = page.next_key_marker
            if not page.is_truncated or marker is None:
                return

    def _multipart_uploads_after(self, prefix: str, marker: str | None) -> ListMultipartUploadsResult | None:
        try:
            return self._client._list_multipart_uploads(  # noqa: SLF001 -- minio has no public call for uploads
                self._bucket, prefix=prefix, delimiter=_NO_DELIMITER, key_marker=marker
            )
        except MinioException as error:
            # rclone's answer for a bucket without any multipart upload. minio does not parse it as an error of S3.
            if "NoSuchUpload" in str(error):
                return None
            raise

    def abort_multipart_upload(self, upload: MultipartUpload) -> None:
        """Abort a multipart upload and delete its parts. A missing upload is no error."""
        try:
            self._client._abort_multipart_upload(self._bucket, upload.key, upload.upload_id)  # noqa: SLF001 -- as above
        except S3Error as error:
            if error.code != "NoSuchUpload":
                raise

    def close(self) -> None:
        """Close all connections."""
        self._http.clear()


class _Object(RangedFile):
    def __init__(self, store: ObjectStore, key: str, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self._store = store
        self._key = key

    def fetch(self, offset: int, length: int) -> bytes:
        return self._store.read_range(self._key, offset, length)
