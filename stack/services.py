"""The services that the settings do not name, started in a run folder."""

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
"""Is told the name of each part that is ready."""


def tell_nobody(_name: str) -> None:
    """For whoever need not know."""


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Makes the run folder, and keeps other copies out of it.

    Raises:
        AlreadyRunning: another copy runs from it.
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
    """Ends the children on leaving: asks all, the last first, and then waits for all at once."""
    with ExitStack() as ends:
        for child in children:
            ends.callback(child.stop)
        for child in children:
            ends.callback(child.ask_to_stop)
        yield


class LocalServices:
    """PostgreSQL, Redis and S3: each embedded unless the settings say where a real one is."""

    def __init__(self, folder: Path, settings: Settings, credentials: Credentials, *, durable: bool = True) -> None:
        """Describes the services; `start` chooses their ports and starts them.

        Args:
            folder: the run folder; each service has a folder of its own in it.
            settings: those that the user gave.
            credentials: the secrets of the embedded services.
            durable: False gives up surviving a power cut for speed.
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
        """Starts them side by side and waits until all answer.

        Args:
            tell: called with the name of each as soon as it answers.

        Raises:
            StackError: one could not be started.
        """
        for child in self.children:
            child.wait_until_left()
            child.port = self._ports.get(child.name)
            child.start()
        for child in self.children:
            self._wait_until_ready(child)
            tell(child.name)

    def fill_in(self, settings: Settings) -> Settings:
        """The settings with the addresses and keys of the embedded services; call it after `start`."""
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

    def check(self) -> None:
        """Raises PartFailed if one of them died."""
        for child in self.children:
            child.check()

    def _wait_until_ready(self, child: Service) -> None:
        """Another program may take a port between our choice and the bind: then the service gets another one."""
        for _ in range(ATTEMPTS - 1):
            try:
                return child.wait_until_ready()
            except PartFailed:
                if child.alive() or is_free(child.port):
                    raise
            child.port = self._ports.another(child.name)
            child.start()
        return child.wait_until_ready()
