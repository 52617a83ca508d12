"""The system under test: every process and service, a link between every two of them, and a keeper."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Self

import psutil

from drills.chaos.network.proxy import HOST, Link, Proxy
from drills.chaos.plans.schedule import BEAT, GATEWAY, SUPERVISOR, LinkName
from drills.chaos.plans.vendors import LIMITS
from sandbox.client import SandboxClient
from schemas.limits import AccountLimits
from schemas.metrics_settings import MetricsSettings
from schemas.setting_groups import DownloadSettings, PipelineSettings
from schemas.settings import Settings
from schemas.webhook_settings import WebhookSettings
from stack.child import Child
from stack.credentials import Credentials
from stack.ports import free_port
from stack.processes import Process, application_processes, sandbox_process
from stack.stack import Stack
from stack.wiring import settings_environment, with_free_ports, with_sandbox
from storage.database import Database
from storage.objects import ObjectStore
from workers.roles import Role

WEBHOOK_SECONDS = 3.0
"""The time for one try of a webhook."""

# Tries within seconds instead of a day, and enough of them to outlast every outage.
_WEBHOOKS = WebhookSettings(
    retry_gaps_seconds=[0.5, 1.0, *[3.0] * 40],
    timeout_seconds=WEBHOOK_SECONDS,
    allow_http=True,
    allowed_private_networks=[ip_network(f"{HOST}/32")],
)

# About the delay of a container runtime before it restarts a dead process.
_RESTART_AFTER_SECONDS = 1.0
_LOOK_EVERY_SECONDS = 0.1
_FIGURES_SECONDS = 2.0


@dataclass(frozen=True)
class System:
    """A running system. Its members reach the parts directly, past the links."""

    services: Stack
    """The services and the sandbox."""
    application: Stack
    """The application's processes."""
    links: Mapping[LinkName, Link]
    """The links by name."""
    direct: Settings
    """Settings with the services' own addresses."""
    database: Database
    """The database."""
    sandbox: SandboxClient
    """Controls the sandbox."""
    targets: Path
    """The folder in which the processes list where their metrics are."""
    lock_of: Mapping[str, threading.Lock] = field(
        default_factory=lambda: {name: threading.Lock() for name in ("postgres", "redis", "s3")}
    )
    """A fault holds this lock while a service is stopped."""

    @property
    def gateway_url(self) -> str:
        """The gateway's URL for clients, over their link."""
        return f"http://{HOST}:{self.links[LinkName.CLIENTS_GATEWAY].port}"

    @property
    def log_files(self) -> list[Path]:
        """The logs of all processes and services."""
        return [*self.application.folder.glob("logs/*.log"), *self.services.folder.glob("*/log")]

    def process(self, target: str) -> Child:
        """The gateway, beat, or a supervisor."""
        if target.startswith(SUPERVISOR):
            return self.application.part(f"worker-{target.removeprefix(SUPERVISOR)}")
        return self.application.part(target)

    def workers(self, role: str) -> list[psutil.Process]:
        """The present Celery processes of a role."""
        pid = self.process(f"{SUPERVISOR}{role}").pid
        try:
            children = psutil.Process(pid).children()
            return [child for child in children if "workers" in child.cmdline()]
        except psutil.NoSuchProcess:
            return []

    @contextmanager
    def objects(self) -> Iterator[ObjectStore]:
        """The object store."""
        store = ObjectStore(self.direct.s3)
        try:
            yield store
        finally:
            store.close()


class Keeper:
    """Restarts a dead process of the application after a second, as a container runtime does."""

    def __init__(self, system: System) -> None:
        self.restarts: Counter[str] = Counter()
        self._children = [system.process(name) for name in (GATEWAY, BEAT, *(f"{SUPERVISOR}{role}" for role in Role))]
        self._died_at: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_SECONDS):
            for child in self._children:
                self._look_after(child)

    def _look_after(self, child: Child) -> None:
        if child.alive():
            self._died_at.pop(child.name, None)
        elif time.monotonic() - self._died_at.setdefault(child.name, time.monotonic()) >= _RESTART_AFTER_SECONDS:
            child.start()
            self.restarts[child.name] += 1


def targets_in(folder: Path) -> Path:
    """The folder in which the processes of a run list where their metrics are."""
    return folder / "targets"


@contextmanager
def running(folder: Path, pipeline: PipelineSettings, *, receiver_port: int) -> Iterator[System]:
    """Start everything. Everything ends with the block.

    Args:
        receiver_port: the port of the receiver of webhooks.
    """
    with ExitStack() as ends:
        services = ends.enter_context(Stack(folder / "services", Settings(_env_file=None), only=(), sandbox=False))
        proxy = ends.enter_context(Proxy())
        settings = with_free_ports(_tuned(services.settings, pipeline, targets_in(folder)))
        links = _links(proxy, settings, receiver_port)
        settings = _over_links(with_sandbox(settings, Credentials()), links)
        application = Stack(
            folder / "application",
            settings,
            sandbox=False,
            free_ports=False,
            processes=lambda wired: _processes(wired, links),
        )
        ends.enter_context(application)
        database = Database(services.settings.database_url, pool_size=30)
        ends.callback(database.dispose)
        sandbox = ends.enter_context(SandboxClient(application.sandbox_url))
        sandbox.lift_limits()
        system = System(services, application, links, services.settings, database, sandbox, targets_in(folder))
        # A stopped process does not receive SIGTERM.
        ends.callback(_wake_all, system)
        yield system


def _tuned(settings: Settings, pipeline: PipelineSettings, targets: Path) -> Settings:
    return settings.model_copy(
        update={
            "pipeline": pipeline,
            "downloads": DownloadSettings(idle_timeout_seconds=8.0),
            "webhooks": _WEBHOOKS,
            "log_format": "json",
            "flower_port": free_port(),
            "metrics": MetricsSettings(port=0, targets_folder=targets, figures_seconds=_FIGURES_SECONDS),
        }
    )


def _links(proxy: Proxy, settings: Settings, receiver_port: int) -> dict[LinkName, Link]:
    postgres = _port(settings.database_url.rpartition("/")[0])
    redis = _port(settings.redis_url.rpartition("/")[0])
    servers = {
        LinkName.CLIENTS_GATEWAY: settings.gateway_port,
        LinkName.GATEWAY_POSTGRES: postgres,
        LinkName.GATEWAY_REDIS: redis,
        LinkName.WORKERS_POSTGRES: postgres,
        LinkName.WORKERS_REDIS: redis,
        LinkName.S3: _port(settings.s3.endpoint),
        LinkName.VENDOR_API: settings.sandbox.port,
        LinkName.VENDOR_FILES: settings.sandbox.port,
        LinkName.CALLBACKS: settings.gateway_port,
        LinkName.WEBHOOKS: receiver_port,
    }
    speak_postgres = {LinkName.GATEWAY_POSTGRES, LinkName.WORKERS_POSTGRES}
    return {name: proxy.link(name, port, is_postgres=name in speak_postgres) for name, port in servers.items()}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _over_links(settings: Settings, links: Mapping[LinkName, Link]) -> Settings:
    accounts = {
        name: settings.providers.named(name).model_copy(
            update={
                "base_url": f"{_url(links[LinkName.VENDOR_API])}/{name}",
                "timeout_seconds": 8.0,
                "limits": LIMITS.get(name, AccountLimits()),
            }
        )
        for name in settings.providers.names()
    }
    return settings.model_copy(
        update={
            "database_url": _at(settings.database_url, links[LinkName.WORKERS_POSTGRES]),
            "redis_url": _at(settings.redis_url, links[LinkName.WORKERS_REDIS]),
            "s3": settings.s3.model_copy(update={"endpoint": f"{HOST}:{links[LinkName.S3].port}"}),
            "public_url": _url(links[LinkName.CALLBACKS]),
            "providers": settings.providers.with_accounts(**accounts),
        }
    )


def _at(url: str, link: Link) -> str:
    """The same URL over a link."""
    server, _, name = url.rpartition("/")
    return f"{server.rpartition(':')[0]}:{link.port}/{name}"


def _url(link: Link) -> str:
    return f"http://{HOST}:{link.port}"


def _processes(settings: Settings, links: Mapping[LinkName, Link]) -> Sequence[Process]:
    """The processes of production: one supervisor for each role, with two workers for the roles that wait for I/O."""
    every = {process.name: process for process in application_processes(settings)}
    own = settings.model_copy(
        update={
            "database_url": _at(settings.database_url, links[LinkName.GATEWAY_POSTGRES]),
            "redis_url": _at(settings.redis_url, links[LinkName.GATEWAY_REDIS]),
        }
    )
    variables = {name: settings_environment(own)[name] for name in ("REELWORKS_DATABASE_URL", "REELWORKS_REDIS_URL")}
    sandbox = sandbox_process(settings)
    vendor = {
        "SANDBOX_PUBLIC_URL": _url(links[LinkName.VENDOR_FILES]),
        # Three retries, as at the start. A killed gateway gets the time to come back.
        "SANDBOX_CALLBACK_RETRY_SECONDS": "4",
    }
    return [
        replace(every["gateway"], env=variables),
        *(_workers(every[f"worker-{role}"], 2 if role in {Role.PROVIDER, Role.TRANSFER} else 1) for role in Role),
        every["beat"],
        replace(sandbox, env={**sandbox.env, **vendor}),
    ]


def _workers(supervisor: Process, processes: int) -> Process:
    return replace(supervisor, argv=(*supervisor.argv, "--processes", str(processes)))


def _wake_all(system: System) -> None:
    """Continue every stopped process of the application."""
    for name in (GATEWAY, BEAT, *(f"{SUPERVISOR}{role}" for role in Role)):
        pid = system.process(name).pid
        if pid is not None and psutil.pid_exists(pid):
            for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                os.kill(process.pid, signal.SIGCONT)
