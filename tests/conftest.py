"""Real services for every test that asks for them: started once a run, on free ports, and ended with it."""

import functools
import gc
import os
import re
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from redis import Redis

from schemas.setting_groups import SeedSettings
from schemas.settings import Settings
from schemas.studio_settings import StudioSettings
from stack import ports
from stack.stack import Stack
from stack.wiring import without_limits
from storage.database import Database
from storage.objects import ObjectStore
from tests.ending import end_children_at_sigterm
from tests.support import NewCustomer, clean_settings, empty, new_customer, with_kie_account

# A busy machine is slow, and that is no failure.
_ANY_SPEED = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("reelworks", deadline=None, suppress_health_check=_ANY_SPEED)
hypothesis.settings.load_profile("reelworks")

_STREAM_NUMBER = 9

_OWN_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a folder of its own, and end its processes with the run.

    pytest makes the folder that a user's runs share private at each start, and an embedded PostgreSQL of root's runs as
    another user: a second run would lock the first run's database out of its data.
    """
    end_children_at_sigterm()
    # Processes of a run that start their services together choose different ports.
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", ""))
    ports.take_share(int(number or 0), of=workers)
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        config.option.basetemp = tempfile.mkdtemp(prefix="reelworks-tests-")
        config.stash[_OWN_FOLDER] = Path(config.option.basetemp)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the tests themselves out of every garbage collection: pytest keeps them until the end of the run.

    While pytest collected 16,000 tests, Python's collections took 9 of 31 s of processor time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time: the first one of a module also starts what the others share."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(1200))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let a run that SIGTERM ends leave no process behind, and a test begin without a time limit of the one before.

    Kombu sets a default timeout of the process while it gives a lost connection up; two threads may leave it set.
    """
    end_children_at_sigterm()
    socket.setdefaulttimeout(None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remove the folder of a run without failures. Logs of a failed run stay."""
    folder = session.config.stash.get(_OWN_FOLDER, None)
    if folder is not None and exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _authorities_are_read_once() -> Iterator[None]:
    """Give all clients of a run one TLS context.

    httpx reads the certificates of all authorities for each client, which takes 17 ms, and tests make thousands.
    """

    @functools.cache
    def made(trust_env: bool, _file: str | None, _folder: str | None) -> ssl.SSLContext:
        return httpx.create_ssl_context(trust_env=trust_env)

    def context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert is not None:
            return httpx.create_ssl_context(verify, cert, trust_env)
        return made(trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", context)
        yield


@pytest.fixture(scope="session", autouse=True)
def _clients_are_patient() -> Iterator[None]:
    """Give each HTTP client of a test that names no time limit a minute in place of httpx's 5 s.

    The default of every function and class of httpx is one object.
    """
    with pytest.MonkeyPatch.context() as patch:
        for phase in ("connect", "read", "write", "pool"):
            patch.setattr(f"httpx._config.DEFAULT_TIMEOUT_CONFIG.{phase}", 60.0)
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run's services keep their data."""
    return tmp_path_factory.mktemp("reelworks")


@pytest.fixture(scope="session")
def services(run_folder: Path) -> Iterator[Stack]:
    """PostgreSQL, Redis and S3, and no process of ours: rows stay as a test leaves them."""
    with Stack(run_folder / "services", without_limits(clean_settings()), only=(), sandbox=False) as stack:
        yield stack


@pytest.fixture(scope="session")
def settings(services: Stack) -> Settings:
    """The settings of the running services, with a provider account that nobody answers, so no order may wait."""
    of_tests = {
        "seeds": SeedSettings(longest_wait_seconds=0),
        "studio": StudioSettings(development_sign_in=True),
    }
    return with_kie_account(services.settings).model_copy(update=of_tests)


@pytest.fixture(scope="session")
def pool(settings: Settings) -> Iterator[Database]:
    """One pool of connections for the run."""
    database = Database(settings.database_url)
    yield database
    database.dispose()


@pytest.fixture
def database(pool: Database) -> Database:
    """The migrated database, empty."""
    empty(pool)
    return pool


@pytest.fixture(scope="session")
def objects(settings: Settings) -> Iterator[ObjectStore]:
    """The object store."""
    store = ObjectStore(settings.s3)
    yield store
    store.close()


@pytest.fixture(scope="session")
def stream_settings(settings: Settings) -> Settings:
    """The settings of the running services, with a Redis number that no other test uses, for streams of events."""
    url = settings.redis_url.rpartition("/")[0] + f"/{_STREAM_NUMBER}"
    return settings.model_copy(update={"redis_url": url})


@pytest.fixture
def stream_redis(stream_settings: Settings) -> Iterator[Redis]:
    """The Redis of streams, empty."""
    with Redis.from_url(stream_settings.redis_url, decode_responses=True) as client:
        client.flushdb()
        yield client


@pytest.fixture
def make_customer(database: Database) -> Callable[[int], NewCustomer]:
    """Makes a customer with so many credits."""
    return lambda amount: new_customer(database, amount)
