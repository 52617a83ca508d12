"""The work that every peer does for an order, apart from the database: the vendor's calls, the download, the storing.

Kie's wire: https://docs.kie.ai. A callback's signature does not cover its body, so a callback is a hint, and the state
is read with our own key, as Reelworks does.
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
# Beyond this a download goes to disk.
_SPOOLED_BYTES: Final = 8 * 1024**2
# Connections kept open, for as many threads or tasks as a worker process has.
_POOL_SIZE: Final = 32


class VendorRefused(Exception):
    """A call was not answered as wished."""


TRANSIENT: Final[tuple[type[Exception], ...]] = (
    httpx.HTTPError,
    urllib3.exceptions.HTTPError,
    MinioException,
    VendorRefused,
)
"""What may be over at the next try of a status read, a download or an upload."""


class VendorFailed(Exception):
    """The vendor could not make what was ordered."""


class OrderRequest(BaseModel):
    """The body of an order. `model` is Reelworks' name for the one model that the peers sell."""

    model: str = "nano-banana"
    prompt: str = Field(min_length=1, max_length=5000)


class Placed(BaseModel):
    """The answer to an order."""

    id: str


class Asset(BaseModel):
    """A stored file."""

    model_config = ConfigDict(frozen=True)

    object_key: str
    size_bytes: int
    sha256: str


class CallbackData(BaseModel):
    """What a callback is about."""

    task_id: str = Field(alias="taskId")


class Callback(BaseModel):
    """The body of a callback, as far as it is needed."""

    data: CallbackData


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
    """For processes with threads. One for each process; safe to share between threads."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._vendor = httpx.Client(headers=_headers(setup.kie), timeout=_TIMEOUT, trust_env=False)
        self._files = httpx.Client(timeout=_TIMEOUT, trust_env=False)
        self._store = Store(setup.s3)

    def submit(self, order_id: str, prompt: str) -> str:
        """Order at the vendor; answers its task's id.

        Raises:
            VendorRefused: it was not accepted.
        """
        body = _create_body(self._setup, order_id, prompt)
        return _task_id(self._vendor.post(_create_url(self._setup.kie), json=body))

    def result_url(self, task_id: str) -> str | None:
        """Where the result is; None until there is one.

        Raises:
            VendorFailed: there will be none.
            VendorRefused: the state could not be read.
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
    """The same for processes with an event loop. One for each loop."""

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
    """The peer's folder in the bucket. Safe to share between threads."""

    def __init__(self, s3: S3) -> None:
        self._bucket = s3.bucket
        self._prefix = s3.prefix
        self._http = urllib3.PoolManager(
            maxsize=_POOL_SIZE,
            timeout=urllib3.Timeout(connect=5, read=60),
            # As minio's own client has it.
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
        """Make the bucket if it is not there."""
        if not self._client.bucket_exists(self._bucket):
            self._client.make_bucket(self._bucket)

    def sizes(self) -> dict[str, int]:
        """How many bytes each object has, by key."""
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
    # Typed as the file that it behaves as.
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
