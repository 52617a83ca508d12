"""Checks the object store."""

import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from cli.doctor import clock
from cli.doctor.findings import Finding, error, ok, unchecked, warning
from cli.doctor.running import reason
from schemas.settings import Settings
from storage.objects import ObjectStore

_SECONDS = 5.0
_OPEN = "forbid reading without a key: remove the public policy of the bucket, and the anonymous access of the server"


def checks(settings: Settings) -> Iterator[Finding]:
    """All checks of the object store."""
    store = ObjectStore(settings.s3)
    try:
        store.ping()
        key = next((found.key for found in store.list("customers/")), None)
    except LookupError:
        yield error("bucket", f"the store has no bucket {settings.s3.bucket}", "run `reelworks migrate`")
        return
    except (MinioException, HTTPError) as trouble:
        remedy = "start the store, or correct REELWORKS_S3__*; docs/runbook.md: The object store is down"
        yield error("object store", reason(trouble, settings), remedy)
        return
    finally:
        store.close()
    yield ok("bucket", f"{settings.s3.bucket} at {settings.s3.endpoint} answers our key")
    yield from strangers(settings, key)


def strangers(settings: Settings, key: str | None) -> Iterator[Finding]:
    """Whether the store answers a stranger without a key, here and at its public address; and its clock."""
    s3 = settings.s3
    addresses = {s3.endpoint: s3.secure}
    if s3.public_endpoint:
        addresses.setdefault(s3.public_endpoint, s3.secure if s3.public_secure is None else s3.public_secure)
    for endpoint, is_secure in addresses.items():
        base = f"{'https' if is_secure else 'http'}://{endpoint}/{quote(s3.bucket)}"
        before = time.time()
        try:
            listed = httpx.get(base, params={"list-type": "2", "max-keys": "1"}, timeout=_SECONDS, trust_env=False)
            read = None if key is None else _read(f"{base}/{quote(key)}")
        except httpx.HTTPError as trouble:
            says, remedy = f"{endpoint} does not answer: {type(trouble).__name__}", "publish the store at that address"
            yield error("public endpoint of the object store", says, remedy)
            continue
        yield _of_stranger(endpoint, is_listed=listed.is_success, is_read=read)
        yield from clock.by_header(f"the object store at {endpoint}", listed.headers.get("date"), before=before)


def _read(url: str) -> bool:
    return httpx.get(url, headers={"Range": "bytes=0-0"}, timeout=_SECONDS, trust_env=False).is_success


def _of_stranger(endpoint: str, *, is_listed: bool, is_read: bool | None) -> Finding:
    check = "access without a key"
    if is_listed:
        return error(check, f"{endpoint} lists every file of every customer to strangers", _OPEN)
    if is_read:
        return warning(check, f"{endpoint} gives a file to everybody who knows its key", _OPEN)
    if is_read is None:
        return unchecked(check, f"{endpoint} lists nothing to strangers; there is no file yet to try a read")
    return ok(check, f"{endpoint} refuses strangers")
