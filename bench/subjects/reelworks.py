"""Reelworks as a subject: all processes of `reelworks up` but the services and the sandbox."""

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psycopg
import redis
from minio import Minio
from minio.deleteobjects import DeleteObject
from sqlalchemy import text

from bench.running_stack import image_door, new_customer, process_ids
from bench.subjects.protocols import Door, Infrastructure, Running
from schemas.setting_groups import S3Settings
from schemas.settings import Settings
from stack.processes import Process, application_processes
from stack.stack import Stack
from stack.wiring import with_free_ports
from storage.audit import audit
from storage.database import Database
from storage.objects import ObjectStore
from workers.roles import Role

NAME = "Reelworks"
CALLBACK, POLL = "callback", "poll"


class Reelworks:
    """The pipeline behind its HTTP door, with task events on, as in production."""

    def __init__(self, *, flower: bool = False) -> None:
        """Describe the subject.

        Args:
            flower: also run Flower, which reads every task event.
        """
        self._flower = flower

    @property
    def name(self) -> str:
        """The name in the tables."""
        return f"{NAME} with Flower" if self._flower else NAME

    @property
    def modes(self) -> Sequence[str]:
        """Both modes."""
        return (CALLBACK, POLL)

    @contextmanager
    def running(self, infrastructure: Infrastructure, *, mode: str, processes: int) -> Iterator[Running]:
        """Start Reelworks with its own database and bucket. Both are deleted after the block."""
        folder = Path(tempfile.mkdtemp(prefix="reelworks-", dir=infrastructure.folder))
        hidden = set() if self._flower else {"flower"}
        with ExitStack() as ends:
            settings = ends.enter_context(_own_places(with_mode(infrastructure.settings, mode)))
            stack = Stack(
                folder,
                settings,
                sandbox=False,
                free_ports=False,
                processes=lambda wired: without(hidden, with_workers(application_processes(wired), processes)),
            )
            ends.enter_context(stack)
            database = Database(settings.database_url)
            ends.callback(database.dispose)
            yield _Running(stack, database, image_door(stack, new_customer(database)[1]))


@dataclass(frozen=True)
class _Running:
    stack: Stack
    database: Database
    door: Door

    @property
    def processes(self) -> Mapping[str, int]:
        return process_ids(self.stack)

    def finished(self) -> int:
        return finished(self.database)

    def problems(self) -> Sequence[str]:
        return problems(self.stack.settings, self.database)


def finished(database: Database) -> int:
    """The number of completed generations."""
    with database.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM generations WHERE stage = 'completed'")).scalar_one())


def problems(settings: Settings, database: Database) -> list[str]:
    """The problems of a system that should have completed everything: the audit's breaches and other ends.

    The audit reads and hashes every stored file.
    """
    query = text(
        "SELECT stage, coalesce(error_code, '-'), count(*) FROM generations WHERE stage <> 'completed' GROUP BY 1, 2"
    )
    with database.transaction() as session:
        found = [f"{count} generations are {stage}: {code}" for stage, code, count in session.execute(query)]
    objects = ObjectStore(settings.s3)
    try:
        report = audit(database, objects, settings.retention)
    finally:
        objects.close()
    return found + [f"rule {breach.rule}, {breach.subject}: {breach.problem}" for breach in report.breaches]


def with_mode(settings: Settings, mode: str) -> Settings:
    """The same settings with a vendor that calls back, or one that is polled."""
    kie = settings.providers.named("kie").model_copy(update={"callbacks": mode == CALLBACK})
    return settings.model_copy(update={"providers": settings.providers.with_accounts(kie=kie)})


def with_workers(processes: Sequence[Process], count: int) -> list[Process]:
    """The same processes, with this number of worker processes under the supervisor of each role."""
    supervisors = {f"worker-{role}" for role in Role}
    return [
        replace(process, argv=(*process.argv, "--processes", str(count))) if process.name in supervisors else process
        for process in processes
    ]


def without(names: Collection[str], processes: Sequence[Process]) -> list[Process]:
    """The processes without the named ones."""
    return [process for process in processes if process.name not in names]


@contextmanager
def _own_places(settings: Settings) -> Iterator[Settings]:
    """Free ports, a new database and a new bucket. Database, bucket and the content of Redis go with the block."""
    settings = with_free_ports(settings)
    name = f"reelworks_{uuid4().hex[:12]}"
    server = settings.database_url
    own = settings.model_copy(
        update={
            "database_url": settings.database_url.rpartition("/")[0] + f"/{name}",
            "s3": settings.s3.model_copy(update={"bucket": name.replace("_", "-")}),
            "public_url": f"http://{settings.gateway_host}:{settings.gateway_port}",
        }
    )
    with psycopg.connect(server, autocommit=True) as connection, redis.Redis.from_url(settings.redis_url) as queues:
        connection.execute(f"CREATE DATABASE {name}")
        objects = ObjectStore(own.s3)
        objects.ensure_bucket()
        objects.close()
        try:
            yield own
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            queues.flushdb()
            _remove_bucket(own.s3)


def _remove_bucket(settings: S3Settings) -> None:
    client = Minio(
        settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key.get_secret_value(),
        region=settings.region,
        secure=settings.secure,
    )
    names = (listed.object_name for listed in client.list_objects(settings.bucket, recursive=True))
    errors = list(client.remove_objects(settings.bucket, (DeleteObject(name) for name in names if name)))
    if errors:
        raise RuntimeError(f"the bucket {settings.bucket} could not be emptied: {errors[0].message}")
    client.remove_bucket(settings.bucket)
