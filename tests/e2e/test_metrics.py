"""Metrics of a running system: what Prometheus reads is true, also after a worker was killed."""

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from metrics.targets import Target
from schemas.metrics_settings import MetricsSettings
from schemas.settings import Settings
from stack.processes import Process, application_processes
from stack.stack import Stack
from tests.e2e.conftest import System, own_places, system_of
from tests.support import eventually

IMAGES = 6

pytestmark = pytest.mark.slow

Series = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True)
class Measured:
    """A system, and what Prometheus would read of its processes."""

    system: System
    folder: Path

    def targets(self) -> list[Target]:
        return Target.all_in(self.folder)

    def read(self) -> Series:
        """The series of all processes. Counts are summed, and no figure may come from two processes."""
        found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for target in self.targets():
            answer = httpx.get(f"http://{target.address}/metrics", timeout=100, trust_env=False).raise_for_status()
            for family in text_string_to_metric_families(answer.text):
                for sample in family.samples:
                    key = (sample.name, frozenset(sample.labels.items()))
                    assert family.type != "gauge" or key not in found or sample.name.startswith("process_"), key
                    found[key] = found.get(key, 0) + sample.value
        return found

    def total(self, name: str, **labels: str) -> float:
        """The sum of the series of a metric with these labels."""
        return sum(
            value
            for (found, having), value in self.read().items()
            if found == f"reelworks_{name}" and labels.items() <= dict(having).items()
        )

    def kill(self, role: str) -> None:
        """Kill the process of a role, and wait until another one is listed in its place."""
        (before,) = (target for target in self.targets() if target.role == role)
        os.kill(before.pid, signal.SIGKILL)
        eventually(self.targets, lambda found: any(one.role == role and one.pid != before.pid for one in found))

    def count(self, query: str) -> int:
        """What the database itself counts."""
        with psycopg.connect(self.system.stack.settings.database_url) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def measured(services: Stack, run_folder: Path) -> Iterator[Measured]:
    """A system whose processes list their metrics in a folder."""
    folder = run_folder / "metrics-targets"
    metrics = MetricsSettings(port=0, targets_folder=folder, figures_seconds=1)
    settings = own_places(services, "metrics", 4).model_copy(update={"metrics": metrics})

    def processes(settings: Settings) -> Sequence[Process]:
        return [process for process in application_processes(settings) if process.name != "flower"]

    with Stack(run_folder / "metrics", settings, processes=processes) as stack:
        for system in system_of(stack):
            yield Measured(system, folder)


def test_every_process_is_listed_once_for_prometheus(measured: Measured) -> None:
    targets = measured.targets()

    assert sorted(target.role for target in targets) == sorted(
        ["gateway", "control", "media", "notify", "provider", "requests", "transfer"]
    )
    (gateway,) = (target for target in targets if target.role == "gateway")
    told = httpx.get(f"http://{gateway.address}/targets", timeout=100, trust_env=False).json()
    assert told == [target.document() for target in targets]
    files: Sequence[object] = [json.loads(file.read_text()) for file in sorted(measured.folder.glob("*.json"))]
    assert files == [[document] for document in told]


def test_the_gateway_itself_shows_no_metrics(measured: Measured) -> None:
    assert measured.system.http.get("/metrics").status_code == 404


def test_figures_are_those_of_the_database_also_after_a_kill(measured: Measured) -> None:
    system = measured.system
    customer = system.customer(10_000)
    quick, slow, bad = system.behave(), system.behave(seconds=600), system.behave(outcome="fail")
    for word in [quick] * IMAGES:
        system.make(customer, word)
    assert system.make(customer, bad).status == "failed"
    waiting = [system.submit(customer, slow).json()["id"] for _ in range(2)]

    def has(name: str, value: float, **labels: str) -> None:
        def total() -> float | None:
            try:
                return measured.total(name, **labels)
            except httpx.TransportError:
                # A process is killed, and still listed.
                return None

        eventually(total, lambda found: found == value)

    def agrees() -> None:
        has("generations", measured.count("SELECT count(*) FROM generations WHERE wake_at IS NOT NULL"))
        has("generations", len(waiting), stage="generating", provider="kie", model="nano-banana")
        has("ended_hour", IMAGES, status="completed", cause="none", provider="kie", model="nano-banana")
        has("ended_hour", 1, status="failed")
        has("holds", len(waiting))
        held = measured.count("SELECT sum(balance) FROM ledger_accounts WHERE kind = 'held'")
        assert held > 0
        has("holds_credits", held)
        has("held_credits", held)
        has("ledger_sum_credits", 0)
        stored = measured.count("SELECT sum(size_bytes) FROM assets WHERE role = 'result'")
        has("stored_bytes_total", stored, kind="image")

    agrees()
    has("orders_total", IMAGES + 1 + len(waiting), kind="image")
    has("ended_total", IMAGES, status="completed", cause="none", provider="kie")
    has("ended_models_total", 1, status="failed", model="nano-banana")
    has("generation_seconds_count", IMAGES, status="completed", kind="image")
    has("ends_found_total", IMAGES + 1, found_by="callback", provider="kie")
    has("provider_calls_total", IMAGES + 1 + len(waiting), call="create", answer="success")
    assert measured.total("callbacks_total", provider="kie", verdict="wakes") > 0
    orders = measured.total("http_requests_total", route="POST /v1/generations", answer="2xx")
    assert orders == IMAGES + 1 + len(waiting)
    assert measured.total("stage_seconds_count", stage="generating") == IMAGES + 1
    assert not measured.total("fences_hit_total")

    # The supervisor starts another process. It takes the turn, and each figure is there once.
    for role in ("notify", "provider"):
        measured.kill(role)
        agrees()
    for each in waiting:
        system.http.post(f"/v1/generations/{each}/cancel", headers=customer.headers)


def test_no_series_names_a_customer_or_a_generation(measured: Measured) -> None:
    customer = measured.system.customer()
    seen = measured.system.make(customer, measured.system.behave())

    everything = json.dumps([[name, sorted(labels)] for name, labels in measured.read()])

    assert seen.id not in everything
    assert str(customer.id) not in everything
