"""A server of one's own that answers, and has lost the work: the work goes back there before a vendor is paid."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.enums import Stage
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order, Route
from stack.stack import Stack
from storage import acceptance
from storage.database import Database
from storage.sql import of
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_lost import opened
from tests.support import new_customer

TINY = Delivered(width=64, height=64, duration_seconds=1)
LOST_SECONDS_AGO = "silent_since = clock_timestamp() - interval '1 hour', failures = 3"


@pytest.fixture
def comfyui(lives: Lives, worker: WorkerServices, sandboxed: Stack) -> Iterator[WorkerServices]:
    """A worker with a ComfyUI server of one's own and a vendor."""
    options = {"workflows": SecretStr("examples"), "progress_seconds": SecretStr("0")}
    providers = worker.settings.providers
    account = providers.named("comfyui").model_copy(update={"options": options, "timeout_seconds": 30})
    pipeline = worker.settings.pipeline.model_copy(update={"poll_first_seconds": 0.001})
    accounts = providers.with_accounts(comfyui=account)
    with opened(worker.settings.model_copy(update={"providers": accounts, "pipeline": pipeline})) as services:
        yield services
    with worker.database.transaction() as session:
        session.execute(text("DELETE FROM route_health"))
    worker.gate.forget_view()


def begun(database: Database, worker: WorkerServices, sandbox: SandboxClient) -> Life:
    """An order that runs at ComfyUI, with a vendor as its second route."""
    word, customer = f"w{uuid4().hex}", new_customer(database, 1000)
    scenario = {"seconds": 600, "delivered": TINY, "match": Match(prompt_contains=word)}
    sandbox.add_scenario(Scenario.model_validate(scenario))
    wanted = GenerationRequest.model_validate({"model": "qwen-image", "prompt": f"a boat {word}"})

    def order(request: GenerationRequest, facts: Facts) -> Order:
        made = worker.catalogue.order(request, facts)
        vendor = Route(provider="fal", model="fal-ai/qwen-image")
        return made.model_copy(update={"routes": [*made.routes, vendor]})

    with database.transaction() as session:
        accepted = acceptance.accept(of(session), customer.id, wanted, order, worker.settings.pipeline)
    life = Life(database, worker, sandbox, customer, accepted.generation.id, word)
    assert life.step() is Stage.GENERATING
    assert life.row.provider == "comfyui"
    return life


def test_absent_work_goes_back_to_its_server_and_not_to_a_paid_vendor(
    comfyui: WorkerServices, database: Database, sandbox: SandboxClient
) -> None:
    life = begun(database, comfyui, sandbox)
    sandbox.restart("comfyui")
    assert life.step() is Stage.GENERATING
    assert life.row.silent_since is not None, "one read without a find proves nothing"
    life.set(LOST_SECONDS_AGO)
    assert life.step() is Stage.QUEUED
    assert life.row.provider == "comfyui"
    (event,) = [event for event in life.events if (event.origin, event.stage) == (Stage.GENERATING, Stage.QUEUED)]
    assert "the server answers, and no read has found the work" in str(event.data["reason"])
    assert life.step() is Stage.GENERATING
    assert life.row.provider == "comfyui"


def test_silent_server_is_left_for_the_vendor(
    comfyui: WorkerServices, database: Database, sandbox: SandboxClient
) -> None:
    life = begun(database, comfyui, sandbox)
    life.set(LOST_SECONDS_AGO)
    # The connections close without an answer.
    sandbox.restart("comfyui", seconds=600)
    try:
        assert life.step() is Stage.QUEUED
        assert life.row.provider == "fal"
    finally:
        sandbox.restart("comfyui")


def test_absence_is_no_failure_of_the_route(
    comfyui: WorkerServices, database: Database, sandbox: SandboxClient
) -> None:
    life = begun(database, comfyui, sandbox)
    sandbox.restart("comfyui")
    for _ in range(3):
        assert life.step() is Stage.GENERATING
    query = text("SELECT count(*) FROM route_health WHERE provider = 'comfyui'")
    with database.transaction() as session:
        assert session.execute(query).scalar_one() == 0
