"""The services that the settings do not name, started in a run folder."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from schemas.settings import Settings
from stack import folder_lock
from stack.child import Child
from stack.credentials import Credentials
from stack.errors import AlreadyRunning
from stack.objectstore import ObjectStore
from stack.ports import free_port
from stack.postgres import Postgres
from stack.redis import Redis
from stack.service import Service


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Makes the run folder, and keeps other copies out of it.

    Raises:
        AlreadyRunning: another copy runs from it.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder_lock.take(folder / "lock")
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


class Services:
    """PostgreSQL, Redis and S3: each embedded unless the settings say where a real one is."""

    def __init__(self, folder: Path, settings: Settings, credentials: Credentials, *, durable: bool = True) -> None:
        """Describes the services; `start` starts them.

        Args:
            folder: the run folder; each service has a folder of its own in it.
            settings: those that the user gave.
            credentials: the secrets of the embedded services.
            durable: False gives up surviving a power cut for speed.
        """
        self.settings = settings
        self.children: list[Service] = []
        if not settings.database_url:
            self._embed_postgres(folder / "postgres", credentials, durable=durable)
        if not settings.redis_url:
            self._embed_redis(folder / "redis", credentials)
        if not settings.s3.endpoint:
            self._embed_object_store(folder / "s3", credentials)

    def start(self) -> None:
        """Starts them side by side and waits until all answer.

        Raises:
            StackError: one could not be started.
        """
        for child in self.children:
            child.start()
        for child in self.children:
            child.wait_until_ready()

    def check(self) -> None:
        """Raises PartFailed if one of them died."""
        for child in self.children:
            child.check()

    def _embed_postgres(self, folder: Path, credentials: Credentials, *, durable: bool) -> None:
        postgres = Postgres(folder, free_port(), password=credentials.postgres_password, durable=durable)
        self.children.append(postgres)
        self._fill_in(database_url=postgres.url)

    def _embed_redis(self, folder: Path, credentials: Credentials) -> None:
        redis = Redis(folder, free_port(), password=credentials.redis_password)
        self.children.append(redis)
        self._fill_in(redis_url=redis.url)

    def _embed_object_store(self, folder: Path, credentials: Credentials) -> None:
        store = ObjectStore(
            folder,
            free_port(),
            access_key=credentials.s3_access_key,
            secret_key=credentials.s3_secret_key,
            bucket=self.settings.s3.bucket,
        )
        self.children.append(store)
        s3 = {
            "endpoint": store.endpoint,
            "access_key": credentials.s3_access_key,
            "secret_key": SecretStr(credentials.s3_secret_key),
            "secure": False,
        }
        self._fill_in(s3=self.settings.s3.model_copy(update=s3))

    def _fill_in(self, **update: object) -> None:
        self.settings = self.settings.model_copy(update=update)
