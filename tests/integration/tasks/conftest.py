"""A worker's services without a worker process. Each test runs the steps, with the real sandbox as vendor."""

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import pytest
from redis import Redis
from sqlalchemy import text
from sqlmodel import select

from intake.uploads import keep
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.enums import Queue, Stage
from schemas.inputs import Facts, generation_url, upload_url
from schemas.media_types import PNG, MediaType
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import InputSettings
from schemas.settings import Settings
from schemas.tables import Asset, Event, Generation, Upload
from stack.stack import Stack
from storage import acceptance, claims, ledger
from storage.claims import Claim
from storage.database import Database
from storage.ledger import Balance
from storage.objects import ObjectStore
from storage.sql import of
from tasks import pipeline
from tasks.services import WorkerServices
from tests.support import NewCustomer, new_customer, some_claim
from workers.app import create_app
from workers.lifecycle import open_services

_PATIENCE_SECONDS = 300.0

# A video of the ordered size and length, in a fraction of the time: the sandbox draws each frame.
_FEW_FRAMES = Delivered(frame_rate=1)


@pytest.fixture(scope="session")
def sandboxed(services: Stack, run_folder: Path) -> Iterator[Stack]:
    """The running services with the sandbox as their vendor."""
    with Stack(run_folder / "sandbox", services.settings, only={"sandbox"}) as stack:
        yield stack


@pytest.fixture(scope="session")
def sandbox(sandboxed: Stack) -> Iterator[SandboxClient]:
    """The control of the sandbox. Its limits are so high that no test reaches them by chance."""
    with SandboxClient(sandboxed.sandbox_url) as client:
        client.lift_limits()
        yield client


@pytest.fixture(scope="session")
def worker(sandboxed: Stack) -> Iterator[WorkerServices]:
    """The services of a worker. Retries are due at once, and the vendor reaches the object store.

    The pause of an open breaker lasts until a test ends the pause.
    """
    settings = sandboxed.settings
    s3 = settings.s3.model_copy(update={"public_endpoint": settings.s3.endpoint})
    admission = settings.admission.model_copy(
        update={"breaker_pause_seconds": 3600, "breaker_longest_pause_seconds": 3600}
    )
    pipeline = settings.pipeline.model_copy(
        update={
            "backoff_base_seconds": 0.001,
            "outage_pause_seconds": 0.001,
            "poll_by_usual_times": False,
            "poll_with_callback_seconds": 0.001,
            "submit_failures": 3,
            "stage_failures": 3,
            # A wake-up is sent once, however long a test takes.
            "resend_after_seconds": 3600,
            # A test takes one step at a time.
            "joins_stages": False,
        }
    )
    quick = settings.model_copy(update={"pipeline": pipeline, "s3": s3, "admission": admission})
    with open_services(create_app(quick, process="worker"), quick, worker_name="a test", threads=8) as opened:
        yield opened


def patient(worker: WorkerServices) -> WorkerServices:
    """The same worker with a safety poll after an hour. A generation that is due sooner is due for another reason."""
    pipeline = worker.settings.pipeline.model_copy(update={"poll_with_callback_seconds": 3600})
    return replace(worker, settings=worker.settings.model_copy(update={"pipeline": pipeline}))


@dataclass
class Life:
    """A test's generation, with methods to run its steps and to read its rows."""

    database: Database
    worker: WorkerServices
    sandbox: SandboxClient
    customer: NewCustomer
    id: UUID
    word: str
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = self.worker.settings

    @property
    def row(self) -> Generation:
        """The current row."""
        with self.database.transaction() as session:
            return session.exec(select(Generation).where(Generation.id == self.id)).one()

    @property
    def assets(self) -> list[Asset]:
        """The generation's assets, the result first."""
        with self.database.transaction() as session:
            rows = session.exec(select(Asset).where(Asset.generation_id == self.id)).all()
        return sorted(rows, key=lambda asset: asset.role, reverse=True)

    @property
    def events(self) -> list[Event]:
        """The generation's timeline."""
        with self.database.transaction() as session:
            return list(session.exec(select(Event).where(Event.generation_id == self.id).order_by(text("id"))))

    @property
    def balance(self) -> Balance:
        """The customer's credits."""
        with self.database.transaction() as session:
            return ledger.balance(session, self.customer.id)

    def step(self) -> Stage:
        """Run one step, as a due wake-up would. Returns the new stage."""
        row = self.row
        self.deliver(row.stage, row.attempt)
        return self.row.stage

    def deliver(self, wanted: Stage, attempt: int) -> None:
        """Handle a wake-up in any state of the generation."""
        pipeline.run(self.worker, str(self.id), attempt, {wanted})

    def claim(self) -> Claim:
        """Claim the generation, as a worker does."""
        row = self.row
        with self.database.transaction() as session:
            return some_claim(claims.claim(of(session), self.id, {row.stage}, attempt=row.attempt, lease_seconds=60))

    def die_holding_it(self) -> None:
        """Claim the generation, and let the lease run out."""
        self.claim()
        self.set("lease_until = clock_timestamp() - interval '1 second'")

    def go(self, *, until: frozenset[Stage], most: int = 400) -> Stage:
        """Step until one of these stages is reached. On a busy machine, the steps overtake the sandbox for a while."""
        steps, patience_ends = 0, time.monotonic() + _PATIENCE_SECONDS
        while steps < most or time.monotonic() < patience_ends:
            if (reached := self.row.stage) in until:
                return reached
            self.step()
            steps += 1
        raise AssertionError(f"still {self.row.stage} after {steps} steps")

    def set(self, assignment: str) -> None:
        """Change the row directly, to imitate the passing of time or a crash."""
        with self.database.transaction() as session:
            session.execute(text(f"UPDATE generations SET {assignment} WHERE id = :id"), {"id": self.id})

    def accepted_creates(self) -> int:
        """The number of creates that the vendor accepted."""
        return self.sandbox.requests(self.word).accepted


def give(
    database: Database, objects: ObjectStore, customer: NewCustomer, content: bytes, media: MediaType = PNG
) -> Upload:
    """Store a customer's file, as the gateway does."""
    return keep(database, objects, customer.id, io.BytesIO(content), media, InputSettings(), keep_for=timedelta(days=1))


class Lives:
    """Makes generations with a unique word in the prompt, so that each scenario applies to one test."""

    def __init__(self, database: Database, worker: WorkerServices, sandbox: SandboxClient) -> None:
        self._database = database
        self._worker = worker
        self._sandbox = sandbox

    def begin(
        self,
        request: dict[str, object] | None = None,
        *,
        routes: int = 1,
        customer: NewCustomer | None = None,
        **behaviour: object,
    ) -> Life:
        """Accept an order, and set the sandbox's scenario for it (`sandbox.scenarios.Scenario`).

        Args:
            customer: the customer. None: a new one.
        """
        return self._begin(customer or new_customer(self._database, 1000), request or {}, routes, behaviour)

    def begin_from(
        self, content: bytes, request: dict[str, object], *, media: MediaType = PNG, **behaviour: object
    ) -> Life:
        """Accept an order with an upload as its first input, and set the scenario."""
        customer = new_customer(self._database, 1000)
        upload = give(self._database, self._worker.objects, customer, content, media)
        field = f"{media.kind}_urls"
        others = cast("list[str]", request.get(field, []))
        return self._begin(customer, {**request, field: [upload_url(upload.id), *others]}, 1, behaviour)

    def begin_after(self, earlier: Life, request: dict[str, object], **behaviour: object) -> Life:
        """Accept an order with an earlier generation of the same customer as input, and set the scenario."""
        field = f"{earlier.row.kind}_urls"
        return self._begin(earlier.customer, {field: [generation_url(earlier.id)], **request}, 1, behaviour)

    def _begin(
        self, customer: NewCustomer, request: dict[str, object], routes: int, behaviour: dict[str, object]
    ) -> Life:
        word = f"w{uuid4().hex}"
        usual = {"seconds": 0, "callback": "lost", "delivered": _FEW_FRAMES}
        scenario = {**usual, **behaviour, "match": Match(prompt_contains=word)}
        self._sandbox.add_scenario(Scenario.model_validate(scenario))
        asked = {"model": "nano-banana", "prompt": f"a lighthouse {word}", **request}
        wanted = GenerationRequest.model_validate(asked)

        def order(request: GenerationRequest, facts: Facts) -> Order:
            made = self._worker.catalogue.order(request, facts)
            return made.model_copy(update={"routes": made.routes * routes})

        with self._database.transaction() as session:
            accepted = acceptance.accept(of(session), customer.id, wanted, order, self._worker.settings.pipeline)
        return Life(self._database, self._worker, self._sandbox, customer, accepted.generation.id, word)


@pytest.fixture
def lives(database: Database, worker: WorkerServices, sandbox: SandboxClient) -> Lives:
    """Makes generations. The queues start empty, and no worker consumes the wake-ups of the steps.

    No account has learned anything from the refusals of an earlier test.
    """
    with Redis.from_url(worker.settings.redis_url) as redis:
        redis.delete(*(queue.value for queue in Queue))
    worker.gate.forget_view()
    return Lives(database, worker, sandbox)
