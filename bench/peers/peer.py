"""A peer as a subject: starts its processes with its own database, Redis number and bucket folder."""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import redis
from psycopg import sql

from bench.peers import ledger
from bench.peers.audit import audit
from bench.peers.setup import S3, Kie, Mode, Setup
from bench.peers.work import Store
from bench.subjects.protocols import Door, Infrastructure
from stack.errors import StackError
from stack.ports import free_port
from stack.processes import ApplicationProcess, Process
from stack.services import ended_in_reverse

ROOT: Final = Path(__file__).resolve().parents[2]
INTERPRETER: Final = ROOT / ".venv-peers" / "bin" / "python"

# Reelworks uses database 0 of the same Redis server.
_REDIS_NUMBER = 9
_CREDITS = 10**12


@dataclass(frozen=True)
class Part:
    """A process of a peer."""

    name: str
    """The name of the process."""
    arguments: Sequence[str]
    """The command line, without the interpreter."""
    ready_url: str | None = None
    """A URL that answers GET with 2xx once the process works. None: the process prints a line that ends in `ready`."""


Parts = Callable[[Setup, int], Sequence[Part]]
"""The processes of a peer with this number of worker processes."""


@dataclass(frozen=True)
class Peer:
    """Implements `bench.subjects.protocols.Subject`."""

    name: str
    """The name in the tables."""
    modes: Sequence[str]
    """The supported modes: `callback`, `poll`."""
    parts: Parts
    """The peer's processes."""
    migrate: Sequence[str] | None = None
    """The command line that prepares the database, without the interpreter. Empty if the peer needs none."""

    @contextmanager
    def running(self, infrastructure: Infrastructure, *, mode: str, processes: int) -> Iterator["RunningPeer"]:
        """See `Subject`."""
        if not INTERPRETER.exists():
            raise StackError(f"{self.name} is not installed: run `make .venv-peers/installed`")
        api_key = secrets.token_urlsafe(32)
        with ExitStack() as ends:
            setup = ends.enter_context(_prepared(infrastructure, mode, api_key))
            environment = {**os.environ, **setup.environment(), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
            children = [_PeerProcess(part, infrastructure.folder, environment) for part in self.parts(setup, processes)]
            if self.migrate:
                _run_once(self.name, self.migrate, environment)
            ends.enter_context(ended_in_reverse(children))
            for child in children:
                child.start()
            for child in children:
                child.wait_until_ready()
            connection = ends.enter_context(psycopg.connect(setup.database_url, autocommit=True))
            yield RunningPeer(setup, api_key, children, connection)


class RunningPeer:
    """Implements `bench.subjects.protocols.Running`."""

    def __init__(
        self, setup: Setup, api_key: str, children: Sequence[ApplicationProcess], connection: psycopg.Connection
    ) -> None:
        self._setup = setup
        self._api_key = api_key
        self._children = children
        self._connection = connection

    @property
    def door(self) -> Door:
        """See `Running`."""
        return Door(
            url=f"{self._setup.door_url}/orders",
            headers={"Authorization": f"Bearer {self._api_key}"},
            body={"model": "nano-banana", "prompt": "a lighthouse in fog"},
        )

    @property
    def processes(self) -> Mapping[str, int]:
        """See `Running`."""
        return {child.name: child.pid for child in self._children if child.pid is not None}

    def finished(self) -> int:
        """See `Running`."""
        row = self._connection.execute("SELECT count(*) FROM orders WHERE stage = 'completed'").fetchone()
        return int(row[0]) if row else 0

    def problems(self) -> Sequence[str]:
        """See `Running`."""
        for child in self._children:
            child.check()
        with closing(Store(self._setup.s3)) as store:
            return audit(self._connection, store.sizes())


class _PeerProcess(ApplicationProcess):
    """A process in the peers' virtual environment."""

    def __init__(self, part: Part, folder: Path, environment: Mapping[str, str]) -> None:
        process = Process(part.name, (str(INTERPRETER), *part.arguments), ready_url=part.ready_url)
        super().__init__(process, folder, environment)

    def answers(self) -> bool:
        """Whether the process works."""
        if self.process.ready_url is not None:
            return super().answers()
        return self.alive() and any(line.endswith("ready") for line in self.last_lines(count=1000))


def _run_once(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a command to its end."""
    done = subprocess.run(
        [str(INTERPRETER), *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise StackError(f"{name} could not prepare its database:\n{done.stdout}{done.stderr}")


def door_url_of(setup: Setup) -> tuple[str, str]:
    """Host and port of the peer's door."""
    parts = urlsplit(setup.door_url)
    return str(parts.hostname), str(parts.port)


def uvicorn(setup: Setup, application: str) -> Part:
    """The door: one process of uvicorn, the server of FastAPI's documentation, with its speed-ups."""
    host, port = door_url_of(setup)
    quiet = ("--log-level", "warning", "--no-access-log")
    arguments = ("-m", "uvicorn", application, "--host", host, "--port", port, *quiet)
    return Part("door", arguments, ready_url=f"{setup.door_url}/healthz")


@contextmanager
def _prepared(infrastructure: Infrastructure, mode: str, api_key: str) -> Iterator[Setup]:
    """An empty database, Redis number and bucket folder. They are deleted after the block."""
    run = secrets.token_hex(4)
    with ExitStack() as ends:
        setup = Setup(
            mode=_mode(mode),
            door_url=f"http://127.0.0.1:{free_port()}",
            database_url=ends.enter_context(own_database(infrastructure, f"peer_{run}")),
            redis_url=ends.enter_context(_own_redis(infrastructure)),
            s3=ends.enter_context(_own_folder(infrastructure, f"peers/{run}/")),
            kie=_kie(infrastructure),
        )
        with psycopg.connect(setup.database_url, autocommit=True) as connection:
            connection.execute(ledger.SCHEMA)
            connection.execute(
                ledger.OPEN, {"customer_id": uuid4(), "key_hash": ledger.key_hash(api_key), "credits": _CREDITS}
            )
        yield setup


@contextmanager
def own_database(infrastructure: Infrastructure, name: str) -> Iterator[str]:
    """The URL of a new database on the infrastructure's server. The database is dropped after the block."""
    url = infrastructure.settings.database_url
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _own_redis(infrastructure: Infrastructure) -> Iterator[str]:
    url = urlunsplit(urlsplit(infrastructure.settings.redis_url)._replace(path=f"/{_REDIS_NUMBER}"))
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        try:
            yield url
        finally:
            client.flushdb()


@contextmanager
def _own_folder(infrastructure: Infrastructure, prefix: str) -> Iterator[S3]:
    given = infrastructure.settings.s3
    s3 = S3(
        endpoint=given.endpoint,
        access_key=given.access_key,
        secret_key=given.secret_key.get_secret_value(),
        secure=given.secure,
        region=given.region,
        bucket=given.bucket,
        prefix=prefix,
    )
    with closing(Store(s3)) as store:
        store.ensure_bucket()
        try:
            yield s3
        finally:
            store.clear()


def _kie(infrastructure: Infrastructure) -> Kie:
    account = infrastructure.settings.providers.named("kie")
    return Kie(
        base_url=account.base_url,
        api_key=account.api_key.get_secret_value(),
        webhook_key=account.webhook_key.get_secret_value(),
    )


def _mode(mode: str) -> Mode:
    match mode:
        case "callback" | "poll":
            return mode
        case _:
            raise ValueError(f"there is no mode {mode!r}")
