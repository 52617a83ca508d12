"""The work that every peer does for an order besides the database: vendor calls, download, storing.

Kie's wire: https://docs.kie.ai. A callback's signature does not cover its body. A callback is therefore only a hint,
and the peer reads the state with its own key, as Reelworks does.
"""

import asyncio
import base64
import hashlib
import hmac
import tempfile
from typing import BinaryIO, Final

import httpx
import urllib3
from minio import Minio
from minio.error import MinioException
from pydantic import BaseModel, ConfigDict, Field

from bench.peers.setup import S3, Kie, Setup

_MODEL: Final = "google/nano-banana"
_OK: Final = 200
_TIMEOUT: Final = httpx.Timeout(30.0)
# A larger download goes to disk.
_SPOOLED_BYTES: Final = 8 * 1024**2
# Kept connections: enough for the threads or tasks of a worker process.
_POOL_SIZE: Final = 32


class VendorRefused(Exception):
    """The vendor refused a call."""


TRANSIENT: Final[tuple[type[Exception], ...]] = (
    httpx.HTTPError,
    urllib3.exceptions.HTTPError,
    MinioException,
    VendorRefused,
)
"""Errors of a status read, a download or an upload that a retry may fix."""


class VendorFailed(Exception):
    """The vendor could not make the order."""


class OrderRequest(BaseModel):
    """The body of an order. `model` is Reelworks' name for the one model that the peers offer."""

    model: str = "nano-banana"
    """The model's name."""
    prompt: str = Field(min_length=1, max_length=5000)
    """The prompt."""


class Placed(BaseModel):
    """The answer to an order."""

    id: str
    """The order's id."""


class Asset(BaseModel):
    """A stored file."""

    model_config = ConfigDict(frozen=True)

    object_key: str
    """The key in the bucket."""
    size_bytes: int
    """The size in bytes."""
    sha256: str
    """The SHA-256 of the bytes."""


class CallbackData(BaseModel):
    """The subject of a callback."""

    task_id: str = Field(alias="taskId")
    """The vendor's id of the task."""


class Callback(BaseModel):
    """The fields of a callback's body that peers use."""

    data: CallbackData
    """The subject of the callback."""


class _Answer(BaseModel):
    code: int
    msg: str | None = None


class _Created(_Answer):
    data: CallbackData


class _Record(BaseModel):
    state: str
    result_json: str | None = Field(alias="resultJson")
    fail_msg: str | None = Field(alias="failMsg")


class _Status(_Answer):
    data: _Record


class _Results(BaseModel):
    urls: list[str] = Field(alias="resultUrls", min_length=1)


def is_authentic(kie: Kie, callback: Callback, timestamp: str, signature: str) -> bool:
    """Whether the callback carries the account's signature."""
    signed = f"{callback.data.task_id}.{timestamp}".encode()
    digest = hmac.digest(kie.webhook_key.encode(), signed, hashlib.sha256)
    return hmac.compare_digest(base64.b64encode(digest), signature.encode())


class Work:
    """The work in a process with threads. One object for each process; threads may share it."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._vendor = httpx.Client(headers=_headers(setup.kie), timeout=_TIMEOUT, trust_env=False)
        self._files = httpx.Client(timeout=_TIMEOUT, trust_env=False)
        self._store = Store(setup.s3)

    def submit(self, order_id: str, prompt: str) -> str:
        """Create a task at the vendor and return its id.

        Raises:
            VendorRefused: the vendor refused the create.
        """
        body = _create_body(self._setup, order_id, prompt)
        return _task_id(self._vendor.post(_create_url(self._setup.kie), json=body))

    def result_url(self, task_id: str) -> str | None:
        """The URL of the result. None while there is none.

        Raises:
            VendorFailed: the task failed.
            VendorRefused: the vendor refused the read.
        """
        return _result_url(self._vendor.get(_read_url(self._setup.kie), params={"taskId": task_id}))

    def download_and_store(self, order_id: str, url: str) -> Asset:
        """Copy the result into the bucket."""
        with _spool() as file:
            digest = hashlib.sha256()
            with self._files.stream("GET", url) as answer:
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    file.write(chunk)
                    digest.update(chunk)
            return self._store.put(order_id, file, digest.hexdigest())

    def close(self) -> None:
        """Close every connection."""
        for part in (self._vendor, self._files, self._store):
            part.close()


class AsyncWork:
    """The work in a process with an event loop. One object for each loop."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._vendor = httpx.AsyncClient(headers=_headers(setup.kie), timeout=_TIMEOUT, trust_env=False)
        self._files = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False)
        self._store = Store(setup.s3)

    async def submit(self, order_id: str, prompt: str) -> str:
        """See `Work.submit`."""
        body = _create_body(self._setup, order_id, prompt)
        return _task_id(await self._vendor.post(_create_url(self._setup.kie), json=body))

    async def result_url(self, task_id: str) -> str | None:
        """See `Work.result_url`."""
        return _result_url(await self._vendor.get(_read_url(self._setup.kie), params={"taskId": task_id}))

    async def download_and_store(self, order_id: str, url: str) -> Asset:
        """See `Work.download_and_store`. minio is synchronous, so the upload runs in a thread."""
        with _spool() as file:
            digest = hashlib.sha256()
            async with self._files.stream("GET", url) as answer:
                answer.raise_for_status()
                async for chunk in answer.aiter_bytes():
                    file.write(chunk)
                    digest.update(chunk)
            return await asyncio.to_thread(self._store.put, order_id, file, digest.hexdigest())

    async def aclose(self) -> None:
        """Close every connection."""
        await self._vendor.aclose()
        await self._files.aclose()
        self._store.close()


class Store:
    """The peer's folder in the bucket. Threads may share it."""

    def __init__(self, s3: S3) -> None:
        self._bucket = s3.bucket
        self._prefix = s3.prefix
        self._http = urllib3.PoolManager(
            maxsize=_POOL_SIZE,
            timeout=urllib3.Timeout(connect=5, read=60),
            # The same settings as in minio's own client.
            retries=urllib3.Retry(total=5, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        )
        self._client = Minio(
            s3.endpoint,
            access_key=s3.access_key,
            secret_key=s3.secret_key,
            region=s3.region,
            secure=s3.secure,
            http_client=self._http,
        )

    def put(self, order_id: str, file: BinaryIO, sha256: str) -> Asset:
        """Upload a file that was just written."""
        size_bytes = file.tell()
        file.seek(0)
        key = f"{self._prefix}{order_id}.png"
        self._client.put_object(self._bucket, key, file, size_bytes, content_type="image/png")
        return Asset(object_key=key, size_bytes=size_bytes, sha256=sha256)

    def ensure_bucket(self) -> None:
        """Create the bucket if it does not exist."""
        if not self._client.bucket_exists(self._bucket):
            self._client.make_bucket(self._bucket)

    def sizes(self) -> dict[str, int]:
        """The size in bytes of each object, by key."""
        found = self._client.list_objects(self._bucket, prefix=self._prefix, recursive=True)
        return {str(item.object_name): item.size or 0 for item in found}

    def clear(self) -> None:
        """Delete every object."""
        for key in self.sizes():
            self._client.remove_object(self._bucket, key)

    def close(self) -> None:
        """Close every connection."""
        self._http.clear()


def _spool() -> BinaryIO:
    # Typed as a file: it behaves as one.
    return tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES)  # type: ignore[return-value]


def _headers(kie: Kie) -> dict[str, str]:
    return {"Authorization": f"Bearer {kie.api_key}"}


def _create_url(kie: Kie) -> str:
    return f"{kie.base_url}/api/v1/jobs/createTask"


def _read_url(kie: Kie) -> str:
    return f"{kie.base_url}/api/v1/jobs/recordInfo"


def _create_body(setup: Setup, order_id: str, prompt: str) -> dict[str, object]:
    wanted = {"prompt": prompt, "aspect_ratio": "1:1", "output_format": "png"}
    body: dict[str, object] = {"model": _MODEL, "input": wanted}
    url = setup.callback_url(order_id)
    return body if url is None else {**body, "callBackUrl": url}


def _task_id(answer: httpx.Response) -> str:
    _check(answer)
    return _Created.model_validate_json(answer.content).data.task_id


def _result_url(answer: httpx.Response) -> str | None:
    _check(answer)
    record = _Status.model_validate_json(answer.content).data
    if record.state == "success":
        return _Results.model_validate_json(record.result_json or "{}").urls[0]
    if record.state == "fail":
        raise VendorFailed(record.fail_msg or "no reason given")
    return None


def _check(answer: httpx.Response) -> None:
    answer.raise_for_status()
    told = _Answer.model_validate_json(answer.content)
    if told.code != _OK:
        raise VendorRefused(f"{told.code}: {told.msg}")
