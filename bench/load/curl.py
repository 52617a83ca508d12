"""What plain `curl` does with the same files: the measure of all transfers."""

import shutil
import subprocess
import time
from datetime import timedelta

from minio import Minio

from schemas.settings import S3Settings

_KEY = "curl"
_LINK_HOLDS = timedelta(hours=1)


class Curl:
    """Copies from a URL into a bucket, as two processes with a pipe between them."""

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
        """Whether there is a `curl` to compare with."""
        return shutil.which("curl") is not None

    def copy(self, url: str, size_bytes: int) -> float:
        """Read a URL and write it into the bucket as it comes, with one presigned PUT; the seconds that it took.

        Raises:
            CalledProcessError: one of the two failed.
            ValueError: what arrived has another size.
        """
        put = self._client.presigned_put_object(self._bucket, _KEY, expires=_LINK_HOLDS)
        # From a pipe curl sends chunks of unknown total, which S3 refuses; and it waits for a "100 Continue".
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
        """Read a URL into nothing; the seconds that it took."""
        began = time.perf_counter()
        subprocess.run(["curl", "-sSf", "-o", "/dev/null", url], check=True)
        return time.perf_counter() - began

    def _check_and_remove(self, size_bytes: int) -> None:
        found = self._client.stat_object(self._bucket, _KEY).size
        self._client.remove_object(self._bucket, _KEY)
        if found != size_bytes:
            raise ValueError(f"{found} bytes arrived, not {size_bytes}")
