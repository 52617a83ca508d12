"""Parts for steps without a database: a claim, a provider with fixed answers, and services that must not be used."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast
from uuid import UUID

import pytest

from admission.gate import Gate
from admission.health import RouteHealth
from admission.routes import Routes
from providers.base import (
    AcceptedCreate,
    Cancellation,
    Fence,
    InputsRead,
    Provider,
    ProviderRequest,
    RemoteRef,
    RemoteState,
)
from providers.registry import Providers
from schemas.enums import Kind, Queue, Stage
from schemas.names import ProviderName
from schemas.orders import GenerationRequest, Route
from schemas.provider_errors import ProviderError
from schemas.setting_groups import PipelineSettings
from storage.admission_learning import Refused
from storage.claims import Claim, Snapshot
from storage.database import Database
from storage.leases import Lease, LeaseKeeper
from storage.objects import ObjectStore
from tasks.services import WorkerServices
from tasks.threads import Threads
from tasks.usual_times import UsualTimes
from tests.model.menu import FREE, catalogue
from tests.model.world import Mailbox
from tests.support import clean_settings

T = TypeVar("T")

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOKEN = UUID(int=7)


@dataclass
class Vendor:
    """A provider of one work. Each call returns or raises a fixed value."""

    submits: AcceptedCreate | Exception = field(default_factory=lambda: AcceptedCreate("remote-1"))
    polls: RemoteState | Exception | None = None
    cancels: Cancellation | Exception | None = None
    finds: AcceptedCreate | Exception | None = None
    leaves: bool = True
    """Whether a create reaches its fence."""
    asked: list[str] = field(default_factory=list)
    """The calls, in order."""
    reads_inputs: InputsRead = InputsRead.NONE

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        self.asked.append("submit")
        if self.leaves:
            fence()
        return _answer(self.submits)

    def poll(self, remote: RemoteRef) -> RemoteState:
        self.asked.append("poll")
        return _answer(self.polls)

    def cancel(self, remote: RemoteRef) -> Cancellation:
        self.asked.append("cancel")
        return _answer(self.cancels)

    def look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        self.asked.append("look_up")
        return None if self.finds is None else _answer(self.finds)


def _answer(answer: T | Exception | None) -> T:
    assert answer is not None, "nobody told what this call answers"
    if isinstance(answer, Exception):
        raise answer
    return answer


class _One(Providers):
    """The registry of a process that knows one vendor."""

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(clean_settings().providers)
        self._vendor = vendor

    def get(self, name: ProviderName) -> Provider:
        return self._vendor  # type: ignore[return-value]  # as much of one as steps use

    def calls_back(self, name: ProviderName) -> bool:
        return True

    def create_seconds(self, name: ProviderName) -> float:
        return 60.0

    def poll_seconds(self, name: ProviderName) -> float:
        return 0.0


class OpenGate:
    """Every account takes everything."""

    def limits(self, _customer_id: UUID) -> bool:
        return False

    def has_waiting(self, _provider: ProviderName) -> bool:
        return False

    def needs_place(self, _route: Route) -> bool:
        return False

    def is_shut(self, _provider: ProviderName) -> bool:
        return False

    def open_routes(self) -> frozenset[Route]:
        return frozenset()

    def give_back(self, _provider: ProviderName) -> None:
        pass

    def refused(self, _provider: ProviderName, _generation_id: UUID, _refusal: Refused) -> None:
        pass

    def accepted(self, _provider: ProviderName) -> None:
        pass


class DeafHealth:
    """No route is open, and reports are lost."""

    def answered(self, _route: Route, _generation: UUID, *, is_create: bool) -> None:
        pass

    def failed(self, _route: Route, _generation: UUID, _error: ProviderError, *, is_create: bool) -> None:
        pass

    def is_open(self, _route: Route) -> bool:
        return False

    def admits(self, _route: Route, _generation: UUID) -> bool:
        return True


PIPELINE = PipelineSettings(
    backoff_base_seconds=1,
    backoff_cap_seconds=60,
    outage_pause_seconds=10,
    poll_by_usual_times=False,
    poll_first_seconds=2.5,
    poll_with_callback_seconds=60,
    submit_failures=3,
    stage_failures=3,
    unknown_submit_grace_seconds=120,
)


def services_with(
    vendor: Vendor, *, joins_stages: bool = True, queues: frozenset[Queue] = frozenset(Queue)
) -> WorkerServices:
    """The services of a worker. The database and the object store do not answer."""
    settings = clean_settings().model_copy(
        update={"pipeline": PIPELINE.model_copy(update={"joins_stages": joins_stages})}
    )
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    gate, health = cast("Gate", OpenGate()), cast("RouteHealth", DeafHealth())
    return WorkerServices(
        settings=settings,
        database=database,
        gate=gate,
        health=health,
        routes=Routes(database, gate, health, catalogue()),
        objects=ObjectStore(settings.s3),
        providers=_One(vendor),
        catalogue=catalogue(),
        leases=LeaseKeeper(database, lease_seconds=8),
        variant_leases=LeaseKeeper(database, lease_seconds=8),
        dispatcher=Mailbox(database),
        announce=lambda *_: None,
        tell=lambda *_, **__: None,
        queues=queues,
        usual_times=UsualTimes(database),
        threads=Threads(each=1),
        worker_name="a test",
    )


def a_claim(stage: Stage, *, model: str = FREE.name, in_stage_for: float = 0.0, **columns: object) -> Claim:
    """A claim of a generation in a stage, with these columns."""
    order = catalogue().order(GenerationRequest(model=model, prompt="a lighthouse"))
    snapshot = Snapshot(
        id=UUID(int=1),
        customer_id=UUID(int=2),
        kind=Kind.IMAGE,
        order=order.model_dump(mode="json"),
        credits=order.credits,
        stage=stage,
        created_at=NOW - timedelta(seconds=in_stage_for),
        stage_at=NOW - timedelta(seconds=in_stage_for),
        wake_at=NOW,
        deadline_at=NOW + timedelta(minutes=10),
        attempt=1,
        failures=0,
        crashes=0,
        claimed_at=NOW,
        cancel_requested_at=None,
        cancel_sent_at=None,
        provider=order.routes[0].provider,
        route_index=0,
        routes_given_up=0,
        remote_id="remote-1" if stage not in {Stage.QUEUED, Stage.SUBMITTING} else None,
        remote_links={},
        result_urls=[],
        object_key=None,
        download=None,
        traceparent=None,
        last_span=None,
    )
    return Claim(replace(snapshot, **columns), TOKEN)  # type: ignore[arg-type]  # columns of any type


def a_lease(*, is_good: bool = True) -> Lease:
    """A lease that never ends, or a lease that ran out."""
    return Lease(UUID(int=1), until=math.inf if is_good else -math.inf)


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every pause as long as possible, so that tests can compare outcomes."""
    longest: Callable[[float, float], float] = lambda _low, high: high  # noqa: E731
    monkeypatch.setattr(random, "uniform", longest)
