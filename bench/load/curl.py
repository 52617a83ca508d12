"""Transfers the same files with plain `curl`, as the reference for all transfers."""

import shutil
import subprocess
import time
from datetime import timedelta

from minio import Minio

from schemas.setting_groups import S3Settings

_KEY = "curl"
_LINK_HOLDS = timedelta(hours=1)


class Curl:
    """Copies from a URL into a bucket, with two processes and a pipe."""

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = settings.bucket
        self._client = Minio(
            settings.endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key.get_secret_value(),
            region=settings.region,
            secure=settings.secure,
        )

    @staticmethod
    def is_installed() -> bool:
        """Whether `curl` is installed."""
        return shutil.which("curl") is not None

    def copy(self, url: str, size_bytes: int) -> float:
        """Stream a URL into the bucket with one presigned PUT. Returns the seconds.

        Raises:
            CalledProcessError: one of the processes failed.
            ValueError: the stored object has another size.
        """
        put = self._client.presigned_put_object(self._bucket, _KEY, expires=_LINK_HOLDS)
        # From a pipe curl sends a chunked body, which S3 refuses, and curl waits for a "100 Continue".
        headers = [f"Content-Length: {size_bytes}", "Transfer-Encoding:", "Expect:"]
        write = ["curl", "-sSf", "-T", "-", *(part for header in headers for part in ("-H", header)), put]
        began = time.perf_counter()
        with subprocess.Popen(["curl", "-sSf", url], stdout=subprocess.PIPE) as reader:
            subprocess.run(write, stdin=reader.stdout, check=True, capture_output=True)
        seconds = time.perf_counter() - began
        if reader.returncode:
            raise subprocess.CalledProcessError(reader.returncode, reader.args)
        self._check_and_remove(size_bytes)
        return seconds

    def read(self, url: str) -> float:
        """Read a URL and discard the bytes. Returns the seconds."""
        began = time.perf_counter()
        subprocess.run(["curl", "-sSf", "-o", "/dev/null", url], check=True)
        return time.perf_counter() - began

    def _check_and_remove(self, size_bytes: int) -> None:
        found = self._client.stat_object(self._bucket, _KEY).size
        self._client.remove_object(self._bucket, _KEY)
        if found != size_bytes:
            raise ValueError(f"{found} bytes arrived, not {size_bytes}")
