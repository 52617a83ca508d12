"""The whole system: gateway, workers, beat, Flower and sandbox as processes, spoken to over HTTP and Redis."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
from pydantic import BaseModel, JsonValue, SecretStr
from redis import Redis

from drills.hostile.hosts import Hosts, running_hosts
from sandbox.client import SandboxClient
from sandbox.control_models import TaskReport
from sandbox.scenarios import Match, Scenario
from schemas.setting_groups import OpenaiSettings, PipelineSettings, ProvidersSettings
from schemas.settings import Settings
from schemas.webhook_settings import WebhookSettings
from stack.http import shared_client
from stack.processes import Process, application_processes
from stack.stack import Stack
from storage.audit import Report, audit
from storage.database import Database
from storage.objects import ObjectStore
from tests.support import NewCustomer, eventually, new_customer

FLOWER_LOGIN = ("ops", "e2e-password")
FINISHED = {"completed", "failed", "cancelled"}

# Leases are so long that a worker on a busy machine keeps its claims, and short enough to wait for after a kill. The
# safety poll is so far away that only a callback can end a wait.
_PIPELINE = PipelineSettings(
    lease_seconds=20,
    resend_after_seconds=3,
    backoff_base_seconds=0.2,
    poll_by_usual_times=False,
    poll_first_seconds=0.5,
    poll_with_callback_seconds=600,
    unknown_submit_grace_seconds=600,
)

# Some clients know no other names. Without these entries, a stranger's server would make the pictures.
_NAMES = OpenaiSettings(
    models=OpenaiSettings().models
    | dict.fromkeys(("dall-e-3", "gpt-image-1", "gpt-image-1-mini"), "gpt-image-2.5-sunburst")
)

# A slow gateway refuses an upload long before the gateway gives up the bodies of others.
_BODY_SECONDS = 600.0

# The receivers of tests are on loopback.
_WEBHOOKS = WebhookSettings(
    allow_http=True,
    allowed_private_networks=[ip_network("127.0.0.0/8")],
    retry_gaps_seconds=[0.2, 0.5, 1, 2, 5],
    timeout_seconds=3,
)

_STRANGER = """
import json, sys
from celery import Celery
url, arguments = sys.argv[1], json.loads(sys.argv[2])
app = Celery(broker=url, backend=url)
sent = app.send_task("generation.enqueue", kwargs=arguments, queue="requests")
print(json.dumps([sent.id, sent.get(timeout=300)]))
"""


class Credits(BaseModel):
    """A generation's credits, as the API tells them."""

    price: int
    held: int
    captured: int
    released: int


class Seen(BaseModel):
    """What a customer reads of a generation."""

    id: str
    status: str
    stage: str
    progress: int
    kind: str
    inputs: dict[str, JsonValue]
    credits: Credits
    error: dict[str, JsonValue] | None
    assets: list[dict[str, JsonValue]]
    not_before: datetime | None
    started_at: datetime | None


@dataclass(frozen=True)
class System:
    """A running system, and what a test asks of it from outside."""

    stack: Stack
    database: Database
    sandbox: SandboxClient
    http: httpx.Client

    def customer(self, amount: int = 1000) -> NewCustomer:
        """A customer of one test."""
        return new_customer(self.database, amount)

    def behave(self, **behaviour: object) -> str:
        """Let the sandbox behave so for prompts with a new word; the word."""
        word = f"w{uuid4().hex}"
        scenario = {"seconds": 0.2, **behaviour, "match": Match(prompt_contains=word)}
        self.sandbox.add_scenario(Scenario.model_validate(scenario))
        return word

    def submit(self, customer: NewCustomer, word: str, **request: JsonValue) -> httpx.Response:
        """Ask for an image, or for what `request` says."""
        body = {"model": "nano-banana", "prompt": f"a lighthouse {word}", **request}
        return self.http.post("/v1/generations", json=body, headers=customer.headers)

    def see(self, customer: NewCustomer, generation_id: str) -> Seen:
        """A generation as its customer sees it now."""
        answer = self.http.get(f"/v1/generations/{generation_id}", headers=customer.headers)
        return Seen.model_validate(answer.raise_for_status().json())

    def finished(self, customer: NewCustomer, generation_id: str) -> Seen:
        """A generation once it is finished."""
        return eventually(lambda: self.see(customer, generation_id), lambda seen: seen.status in FINISHED)

    def make(self, customer: NewCustomer, word: str, **request: JsonValue) -> Seen:
        """Submit and wait for the end."""
        answer = self.submit(customer, word, **request)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return self.finished(customer, answer.json()["id"])

    def task(self, word: str) -> TaskReport:
        """The one task that the vendor has for this word."""
        (task,) = self.sandbox.tasks(word)
        return task

    def callbacks(self, word: str, count: int) -> list[int | None]:
        """The statuses of the task's callbacks, once there are this many. The vendor notes each after our answer."""
        told = eventually(lambda: self.task(word).callbacks, lambda callbacks: len(callbacks) >= count)
        return [callback.status for callback in told]

    def balance(self, customer: NewCustomer) -> tuple[int, int]:
        """Available and held credits."""
        answer = self.http.get("/v1/credits", headers=customer.headers).raise_for_status().json()
        return answer["available"], answer["held"]

    def content(self, customer: NewCustomer, generation_id: str) -> bytes:
        """The file, as the customer downloads it."""
        answer = self.http.get(
            f"/v1/generations/{generation_id}/content", headers=customer.headers, follow_redirects=True
        )
        return answer.raise_for_status().content

    def enqueue(self, **arguments: JsonValue) -> tuple[str, dict[str, JsonValue]]:
        """What a service with a Celery client and no code of ours does: the message's id, and the answer."""
        settings = self.stack.settings
        answer = subprocess.run(
            [sys.executable, "-c", _STRANGER, settings.redis_url, json.dumps(arguments)],
            cwd=self.stack.folder,
            capture_output=True,
            check=True,
            text=True,
        )
        task_id, result = json.loads(answer.stdout)
        return task_id, result

    def audit(self) -> Report:
        """Check what must always hold."""
        objects = ObjectStore(self.stack.settings.s3)
        try:
            return audit(self.database, objects)
        finally:
            objects.close()


def own_places(services: Stack, name: str, redis_number: int) -> Settings:
    """The running services, with a database, a Redis number and a pipeline of this system's own."""
    settings = services.settings
    plain = settings.database_url
    with psycopg.connect(plain, autocommit=True) as connection:
        # A worker of pytest-xdist that takes tests of another one may set a module's fixture up again.
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    redis_url = settings.redis_url.rpartition("/")[0] + f"/{redis_number}"
    with Redis.from_url(redis_url) as redis:
        redis.flushdb()
    return settings.model_copy(
        update={
            "database_url": settings.database_url.rpartition("/")[0] + f"/{name}",
            "redis_url": redis_url,
            "pipeline": _PIPELINE,
            "openai": _NAMES,
            "webhooks": _WEBHOOKS,
            "connections": settings.connections.model_copy(update={"body_seconds": _BODY_SECONDS}),
            "flower_basic_auth": SecretStr(":".join(FLOWER_LOGIN)),
        }
    )


def system_of(stack: Stack) -> Iterator[System]:
    """The system of a running stack."""
    database = Database(stack.settings.database_url)
    sandbox = SandboxClient(stack.sandbox_url)
    sandbox.lift_limits()
    with shared_client(stack.gateway_url, seconds=100) as http:
        yield System(stack, database, sandbox, http)
    sandbox.close()
    database.dispose()


@pytest.fixture(scope="session")
def hosts() -> Iterator[Hosts]:
    """A stranger's servers. One of them is the system's vendor of OpenAI-compatible pictures."""
    with running_hosts() as hosts:
        yield hosts


@pytest.fixture(scope="session")
def system(services: Stack, run_folder: Path, hosts: Hosts) -> Iterator[System]:
    """Every process, in callback mode."""
    settings = own_places(services, "e2e", 1)
    with Stack(run_folder / "e2e", settings, extra_env=hosts.account()) as stack:
        yield from system_of(stack)


@pytest.fixture(scope="module")
def polling_system(services: Stack, run_folder: Path) -> Iterator[System]:
    """A system that asks for no callbacks; one supervisor keeps the workers of every role."""

    def processes(settings: Settings) -> Sequence[Process]:
        every = {process.name: process for process in application_processes(settings)}
        return [every["gateway"], Process("worker", (sys.executable, "-m", "cli", "worker")), every["beat"]]

    settings = own_places(services, "polling", 2)
    kie = settings.providers.named("kie").model_copy(update={"callbacks": False})
    settings = settings.model_copy(update={"providers": ProvidersSettings({"kie": kie})})
    with Stack(run_folder / "polling", settings, processes=processes) as stack:
        yield from system_of(stack)


@pytest.fixture(scope="module")
def deployed(services: Stack, run_folder: Path) -> Iterator[System]:
    """A system whose provider, transfer and requests workers a test starts and stops itself.

    Leases are so long that no test sees one run out: what goes on was handed back.
    """

    def processes(settings: Settings) -> Sequence[Process]:
        kept = ("gateway", "beat", "worker-control", "worker-media")
        return [process for process in application_processes(settings) if process.name in kept]

    settings = own_places(services, "deploys", 3)
    pipeline = settings.pipeline.model_copy(update={"lease_seconds": 300})
    settings = settings.model_copy(update={"pipeline": pipeline, "worker_drain_seconds": 1})
    with Stack(run_folder / "deploys", settings, processes=processes) as stack:
        yield from system_of(stack)


@pytest.fixture(autouse=True)
def _everything_holds(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test ends with the audit of the system that it used."""
    yield
    for name in ("system", "polling_system", "deployed"):
        if name in request.fixturenames:
            system: System = request.getfixturevalue(name)
            assert system.audit().breaches == []


def command_line(process: psutil.Process) -> list[str]:
    """The command line of a process. Empty: the process has ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def worker_processes(stack: Stack, role: str) -> list[psutil.Process]:
    """The worker processes below the supervisor of a role."""
    supervisor = psutil.Process(stack.part(f"worker-{role}").pid)
    return [each for each in supervisor.children(recursive=True) if "workers" in command_line(each)]


def flat(value: object) -> str:
    """Everything in a JSON document as one text, to search in."""
    return json.dumps(value)
