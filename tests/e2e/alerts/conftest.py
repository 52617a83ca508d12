"""A running system of its own with the real Prometheus and Alertmanager beside it, for faults one after another."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import JsonValue
from sqlalchemy import text

from drills.monitoring.servers import Alertmanager, NotInstalledError, Prometheus, program
from metrics.targets import Target
from schemas.admission_settings import AdmissionSettings
from schemas.limits import AccountLimits
from schemas.metrics_settings import MetricsSettings
from schemas.setting_groups import PipelineSettings
from schemas.settings import Settings
from schemas.webhook_settings import WebhookSettings
from stack.processes import Process, application_processes
from stack.services import ended_in_reverse
from stack.stack import Stack
from stack.wiring import without_limits
from tests.e2e.alerts import rules
from tests.e2e.conftest import System, system_of
from tests.support import NewCustomer, clean_settings, eventually
from tests.webhook_receiver import Receiver, receiving

# Long enough to be paused beyond, and short enough to wait for.
_LEASE_SECONDS = 4.0

_PIPELINE = PipelineSettings(
    lease_seconds=_LEASE_SECONDS,
    resend_after_seconds=3,
    backoff_base_seconds=0.2,
    backoff_cap_seconds=1,
    outage_pause_seconds=1.5,
    poll_by_usual_times=False,
    poll_with_callback_seconds=2,
)

# One try at a time for each endpoint: the messages behind a try that hangs are due.
_WEBHOOKS = WebhookSettings(
    allow_http=True,
    allowed_private_networks=[ip_network("127.0.0.0/8")],
    places_each_endpoint=1,
    retry_gaps_seconds=[0.5, 1, 2],
    timeout_seconds=10,
)

_LIMITS = {
    # An order waits behind another one.
    "fal": AccountLimits(in_flight=1),
    # The breaker of a route holds only the orders of accounts with limits.
    "replicate": AccountLimits(in_flight=5),
}


@dataclass(frozen=True)
class Watched:
    """A system that Prometheus watches."""

    system: System
    """The system."""
    customer: NewCustomer
    """Orders everything."""
    prometheus: Prometheus
    """Reads the metrics every second, and judges the quick copy of the rules."""
    alertmanager: Alertmanager
    """Hears of the alerts."""
    receiver: Receiver
    """A customer's endpoint."""
    targets: Path
    """The folder in which the processes list where their metrics are."""

    @property
    def stack(self) -> Stack:
        """The processes and services."""
        return self.system.stack

    def firing(self) -> set[str]:
        """The names of the alerts that fire, as Alertmanager knows them."""
        return {alert["labels"]["alertname"] for alert in self.alertmanager.alerts()}

    def reads_all(self) -> bool:
        """Whether Prometheus has read every process that lives, and no other one."""
        seen = {
            series.labels["instance"]: value for series in self.prometheus.query("up") for _, value in series.points
        }
        return seen == {target.address: 1 for target in Target.all_in(self.targets)}

    def has_data(self, query: str) -> bool:
        """Whether a query gives at least one series with a number."""
        return any(not math.isnan(value) for one in self.prometheus.query(query) for _, value in one.points)

    def order(self, model: str = "nano-banana", count: int = 1, **behaviour: object) -> list[str]:
        """Order so often, with a word of its own for which the sandbox behaves so. The ids."""
        word = self.system.behave(**behaviour)
        return [self.submit(word, model=model) for _ in range(count)]

    def submit(self, word: str, **request: JsonValue) -> str:
        """Order with the word of a behaviour. The id."""
        answer = self.system.submit(self.customer, word, **request)
        return str(answer.raise_for_status().json()["id"])

    def ended(self, *generations: str) -> None:
        """Wait for the end of generations."""
        for generation in generations:
            self.system.finished(self.customer, generation)

    def until_in(self, stage: str, *generations: str) -> None:
        """Wait until generations are in a stage."""
        for generation in generations:
            eventually(partial(self.system.see, self.customer, generation), lambda seen: seen.stage == stage)

    def write(self, statement: str, **values: object) -> None:
        """Change rows of the database."""
        with self.system.database.transaction() as session:
            session.execute(text(statement), values)


@pytest.fixture(scope="package")
def watched(run_folder: Path) -> Iterator[Watched]:
    """The system, with data of each kind of end."""
    try:
        program("prometheus")
    except NotInstalledError as error:
        pytest.fail(str(error))
    folder = run_folder / "alerts"
    targets = folder / "targets"
    quick = folder / "quick.yml"
    folder.mkdir()
    quick.write_text(rules.quick_copy())
    alertmanager = Alertmanager(folder / "alertmanager")
    prometheus = Prometheus(folder / "prometheus", targets=targets, rules=quick, alerts_to=alertmanager.address)
    servers = [alertmanager, prometheus]
    with (
        Stack(folder / "system", _settings(targets), processes=_processes) as stack,
        receiving() as receiver,
        ended_in_reverse(servers),
    ):
        for server in servers:
            server.start()
            server.wait_until_ready()
        for system in system_of(stack):
            yield Watched(system, system.customer(100_000), prometheus, alertmanager, receiver, targets)


def _settings(targets: Path) -> Settings:
    settings = without_limits(clean_settings())
    accounts = {
        name: settings.providers.named(name).model_copy(update={"limits": limits}) for name, limits in _LIMITS.items()
    }
    return settings.model_copy(
        update={
            "providers": settings.providers.with_accounts(**accounts),
            "pipeline": _PIPELINE,
            # A route that was away is tried again soon.
            "admission": AdmissionSettings(breaker_pause_seconds=1, breaker_longest_pause_seconds=2),
            "webhooks": _WEBHOOKS,
            # A fault needs downloads that take long.
            "downloads": settings.downloads.model_copy(update={"least_bytes_per_second": 0}),
            "metrics": MetricsSettings(port=0, targets_folder=targets, figures_seconds=1),
        }
    )


def _processes(settings: Settings) -> Sequence[Process]:
    """All processes but Flower. Two for downloads: one takes over the claims of the other."""
    every = [process for process in application_processes(settings) if process.name != "flower"]
    return [
        replace(process, argv=(*process.argv, "--processes", "2")) if process.name == "worker-transfer" else process
        for process in every
    ]
