"""Starts the services that the settings do not name, in a run folder."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from schemas.settings import Settings
from stack import folder_lock
from stack.child import Child
from stack.credentials import Credentials
from stack.errors import AlreadyRunning, PartFailed, StackError
from stack.objectstore import ObjectStore
from stack.ports import ATTEMPTS, KeptPorts, is_free
from stack.postgres import Postgres
from stack.redis import Redis
from stack.service import Service

Tell = Callable[[str], None]
"""Receives the name of each part that is ready."""


def tell_nobody(_name: str) -> None:
    """Ignore the name."""


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Create the run folder, and keep other copies of the stack out.

    Raises:
        AlreadyRunning: another copy runs from the folder.
        StackError: the folder cannot be made.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder_lock.take(folder / "lock")
    except OSError as error:
        raise StackError(
            f"Data cannot be kept in {folder} ({error.strerror}): "
            "go to a folder of yours, or set REELWORKS_DATA_FOLDER to one"
        ) from error
    if lock is None:
        raise AlreadyRunning(folder, folder_lock.holder(folder / "lock"))
    try:
        yield folder
    finally:
        os.close(lock)


@contextmanager
def ended_in_reverse(children: Sequence[Child]) -> Iterator[None]:
    """End the children after the block: ask all in reverse order, then wait for all at once."""
    with ExitStack() as ends:
        for child in children:
            ends.callback(child.stop)
        for child in children:
            ends.callback(child.ask_to_stop)
        yield


class LocalServices:
    """PostgreSQL, Redis and S3. A service is embedded unless the settings name its address."""

    def __init__(self, folder: Path, settings: Settings, credentials: Credentials, *, durable: bool = True) -> None:
        """Describe the services. `start` chooses their ports and starts them.

        Args:
            folder: the run folder. Each service has a subfolder.
            settings: the settings of the user.
            credentials: the secrets of the embedded services.
            durable: False trades safety from a power cut for speed.
        """
        self._ports = KeptPorts(folder / "ports.json")
        self._postgres: Postgres | None = None
        self._redis: Redis | None = None
        self._store: ObjectStore | None = None
        self._credentials = credentials
        if not settings.database_url:
            self._postgres = Postgres(folder / "postgres", 0, password=credentials.postgres_password, durable=durable)
        if not settings.redis_url:
            self._redis = Redis(folder / "redis", 0, password=credentials.redis_password)
        if not settings.s3.endpoint:
            self._store = ObjectStore(
                folder / "s3",
                0,
                access_key=credentials.s3_access_key,
                secret_key=credentials.s3_secret_key,
                bucket=settings.s3.bucket,
            )

    @property
    def children(self) -> list[Service]:
        """The embedded services."""
        return [child for child in (self._postgres, self._redis, self._store) if child is not None]

    def start(self, tell: Tell = tell_nobody) -> None:
        """Start the services side by side and wait until all answer.

        Args:
            tell: receives the name of each service that answers.

        Raises:
            StackError: a service could not start.
        """
        for child in self.children:
            child.wait_until_left()
            child.port = self._ports.get(child.name)
            child.start()
        for child in self.children:
            self._wait_until_ready(child)
            tell(child.name)

    def fill_in(self, settings: Settings) -> Settings:
        """The settings with the addresses and keys of the embedded services. Call after `start`."""
        update: dict[str, object] = {}
        if self._postgres is not None:
            update["database_url"] = self._postgres.url
        if self._redis is not None:
            update["redis_url"] = self._redis.url
        if self._store is not None:
            store = {
                "endpoint": self._store.endpoint,
                "access_key": self._credentials.s3_access_key,
                "secret_key": SecretStr(self._credentials.s3_secret_key),
                "secure": False,
            }
            update["s3"] = settings.s3.model_copy(update=store)
        return settings.model_copy(update=update)

    def check_services(self) -> None:
        """Raise PartFailed if a service died."""
        for child in self.children:
            child.check()

    def _wait_until_ready(self, child: Service) -> None:
        """Wait for a service. If another program took the port before the bind, the service gets another port."""
        for _ in range(ATTEMPTS - 1):
            try:
                return child.wait_until_ready()
            except PartFailed:
                if child.alive() or is_free(child.port):
                    raise
            child.port = self._ports.another(child.name)
            child.start()
        return child.wait_until_ready()
