"""Real services for every test that asks for them: started once a run, on free ports, and ended with it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from redis import Redis

from schemas.setting_groups import SeedSettings
from schemas.settings import Settings
from stack.stack import Stack
from storage.database import Database
from storage.objects import ObjectStore
from tests.support import NewCustomer, clean_settings, empty, new_customer, with_kie_account

# A busy machine is slow, and that is no failure.
hypothesis.settings.register_profile("reelworks", deadline=None)
hypothesis.settings.load_profile("reelworks")

_STREAM_NUMBER = 9

_OWN_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a folder of its own.

    pytest makes the folder that a user's runs share private at each start, and an embedded PostgreSQL of root's runs as
    another user: a second run would lock the first run's database out of its data.
    """
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        config.option.basetemp = tempfile.mkdtemp(prefix="reelworks-tests-")
        config.stash[_OWN_FOLDER] = Path(config.option.basetemp)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remove the folder of a run without failures. Logs of a failed run stay."""
    folder = session.config.stash.get(_OWN_FOLDER, None)
    if folder is not None and exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run's services keep their data."""
    return tmp_path_factory.mktemp("reelworks")


@pytest.fixture(scope="session")
def services(run_folder: Path) -> Iterator[Stack]:
    """PostgreSQL, Redis and S3, and no process of ours: rows stay as a test leaves them."""
    with Stack(run_folder / "services", clean_settings(), only=(), sandbox=False) as stack:
        yield stack


@pytest.fixture(scope="session")
def settings(services: Stack) -> Settings:
    """The settings of the running services, with a provider account that nobody answers, so no order may wait."""
    return with_kie_account(services.settings).model_copy(update={"seeds": SeedSettings(longest_wait_seconds=0)})


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
