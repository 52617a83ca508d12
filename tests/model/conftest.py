"""The ground that all runs share: real PostgreSQL and S3, and a clock that only the model moves."""

import sys
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
import structlog
import tenacity
from sqlalchemy import text
from structlog.typing import EventDict, WrappedLogger

import admission.gate
import admission.health
import tasks.download
import tasks.pipeline
from admission.gate import Gate
from admission.health import RouteHealth
from admission.routes import Routes
from providers.registry import Providers
from schemas.enums import Queue
from schemas.settings import Settings
from storage import acceptance, leases
from storage.database import Database
from storage.leases import LeaseKeeper
from storage.objects import ObjectStore
from tasks import apply
from tasks.services import WorkerServices
from tasks.threads import Threads
from tasks.usual_times import UsualTimes
from tests.model.actors import watch
from tests.model.clock import Clock
from tests.model.files import serve
from tests.model.menu import catalogue
from tests.model.world import Ground, Ids, Mailbox


@pytest.fixture
def ground(
    settings: Settings, database: Database, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ground]:
    """The shared ground. The fixture `database` is requested because it empties the database."""
    settings = _of_the_model(settings)
    own = Database(settings.database_url)
    # A wait for a row of a paused worker never ends: the model's time does not pass in real time.
    clock = Clock(own, lock_timeout="50ms")
    watch(own)
    for module in (leases, tasks.pipeline, tasks.download, admission.gate, admission.health):
        monkeypatch.setattr(module, "time", clock)
    ids = Ids()
    monkeypatch.setattr(acceptance, "uuid4", ids)
    _retry_at_once(monkeypatch)
    crashes: list[BaseException] = []
    structlog.configure(processors=[_Crashes(crashes)])
    try:
        with serve() as files:
            mailbox = Mailbox(own)
            gate = Gate(own, settings.admission, {}, mailbox.wake, wake_in=settings.pipeline.resend_after_seconds)
            health = RouteHealth(own, settings.admission, gate)
            services = WorkerServices(
                settings=settings,
                database=own,
                gate=gate,
                health=health,
                routes=Routes(own, gate, health, catalogue()),
                objects=objects,
                providers=Providers(settings.providers),
                catalogue=catalogue(),
                leases=LeaseKeeper(own, lease_seconds=settings.pipeline.lease_seconds),
                variant_leases=LeaseKeeper(own, lease_seconds=settings.pipeline.lease_seconds),
                dispatcher=mailbox,
                announce=lambda *_: None,
                tell=lambda *_, **__: None,
                queues=frozenset(Queue),
                usual_times=UsualTimes(own),
                threads=Threads(each=1000),
                worker_name="the model",
            )
            yield Ground(services, clock, ids, files, crashes)
    finally:
        structlog.reset_defaults()
        own.dispose()
        with database.transaction() as session:
            session.execute(text("DROP SCHEMA model CASCADE"))


def _of_the_model(settings: Settings) -> Settings:
    downloads = settings.downloads.model_copy(update={"allowed_private_networks": [ip_network("127.0.0.0/8")]})
    pipeline = settings.pipeline.model_copy(
        update={"submit_failures": 3, "stage_failures": 3, "poll_by_usual_times": False}
    )
    return settings.model_copy(update={"downloads": downloads, "pipeline": pipeline})


def _retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries of the database take no real time. A second failure in a row gives up."""
    for conclusion in vars(apply).values():
        if isinstance(retry := getattr(conclusion, "retry", None), tenacity.BaseRetrying):
            monkeypatch.setattr(retry, "sleep", lambda _seconds: None)
            monkeypatch.setattr(retry, "stop", tenacity.stop_after_attempt(2))


class _Crashes:
    """Record the errors that a step did not expect, and write no log line."""

    def __init__(self, crashes: list[BaseException]) -> None:
        self._crashes = crashes

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        if line["event"] in {"stage_crashed", "submit_crashed"}:
            error = sys.exc_info()[1]
            assert error is not None
            self._crashes.append(error)
        raise structlog.DropEvent
