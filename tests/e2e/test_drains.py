"""Drains of worker processes under load: a drained process claims nothing, stays healthy, and no order is lost."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from socket import gethostname
from typing import Any

import psycopg
import pytest

from schemas.settings import Settings
from stack.processes import Process, application_processes
from stack.stack import Stack
from tests.e2e.conftest import System, own_places, system_of
from tests.e2e.test_deploys import running
from tests.support import NewCustomer, eventually
from workers.health import worker_trouble

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

HOST = gethostname()
PATIENTLY = ("--wait", "300")
NOT_EMPTY = 1
"""The exit code of a drain whose process has work, or has reported nothing for some seconds."""


@pytest.fixture(scope="module")
def drained(services: Stack, run_folder: Path) -> Iterator[System]:
    """A whole system with places of its own: its drains concern no other test."""

    def processes(settings: Settings) -> Sequence[Process]:
        return [one for one in application_processes(settings) if one.name != "flower"]

    with Stack(run_folder / "drains", own_places(services, "drains", 5), processes=processes) as stack:
        yield from system_of(stack)


def run(system: System, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, **system.stack.env},
        capture_output=True,
        text=True,
        check=False,
    )


def count(system: System, statement: str, *given: object) -> int:
    with psycopg.connect(system.stack.settings.database_url) as connection:
        row = connection.execute(statement.encode(), given).fetchone()
    assert row is not None
    return int(row[0])


def processes_of(system: System, *arguments: str) -> list[dict[str, Any]]:
    """The processes of a drain, once the command succeeds: none of them is silent or has work."""
    done = eventually(lambda: run(system, *arguments, "--json"), lambda done: done.returncode != NOT_EMPTY)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    found: list[dict[str, Any]] = document["processes"]
    return found


def orders(system: System, customer: NewCustomer, number: int) -> list[str]:
    word = system.behave(seconds=0.5)
    return [system.submit(customer, word).raise_for_status().json()["id"] for _ in range(number)]


def test_drained_worker_claims_nothing_under_load(drained: System) -> None:
    system, customer, node = drained, drained.customer(10_000), f"provider@{HOST}"
    with running(system, "workers", "--role", "provider", "--name", "provider2") as other:
        second = f"provider2@{HOST}"
        eventually(lambda: run(system, "drain", second, "--dry-run").returncode, lambda code: code == 0)
        made = orders(system, customer, 20)
        before = processes_of(system, "drain", node, "--dry-run")
        assert ([one["node"] for one in before], before[0]["drained_at"]) == ([node], None)

        after = processes_of(system, "drain", node, "--reason", "a test", *PATIENTLY)
        assert after[0]["in_hand"] == 0
        pid, since = after[0]["pid"], after[0]["drained_at"]
        newest = count(system, "SELECT max(id) FROM events")

        made += orders(system, customer, 20)
        assert {system.finished(customer, one).status for one in made} == {"completed"}
        holder = f"provider#{pid}"
        assert (
            count(
                system,
                "SELECT count(*) FROM generations WHERE holder = %s AND claimed_at > %s::timestamptz",
                holder,
                since,
            )
            == 0
        )
        by = "SELECT count(*) FROM events WHERE id > %s AND data::text LIKE %s"
        assert count(system, by, newest, f"%{holder}%") == 0
        assert count(system, by, newest, "%provider2#%") > 0
        eventually(lambda: worker_trouble(system.stack.settings, "provider"), lambda trouble: trouble is None)
        assert f"{node} is drained" in run(system, "status").stdout
        # A process that is killed leaves its report behind, and stays silent.
        other.terminate()
        assert other.wait(300) == 0

    assert run(system, "undrain", node).returncode == 0
    assert system.make(customer, system.behave()).status == "completed"
    assert count(system, by, newest, f"%{holder}%") > 0
    assert system.audit().breaches == []


def test_drained_host_takes_nothing_and_goes_on_after_a_restart_and_the_end_of_the_drain(drained: System) -> None:
    system, customer = drained, drained.customer()
    found = processes_of(system, "drain", "--host", HOST, *PATIENTLY)
    assert {one["node"].partition("@")[0] for one in found} == {
        "provider", "transfer", "media", "control", "requests", "notify"
    }  # fmt: skip

    system.stack.restart("worker-provider")
    made = orders(system, customer, 3)
    newest = count(system, "SELECT max(id) FROM events")
    assert processes_of(system, "drain", "--host", HOST, *PATIENTLY)
    assert count(system, "SELECT max(id) FROM events") == newest

    assert run(system, "undrain", "--host", HOST).returncode == 0
    assert {system.finished(customer, one).status for one in made} == {"completed"}
    assert system.enqueue(
        customer_id=str(customer.id), request={"model": "nano-banana", "prompt": "x " + system.behave()},
    )[1]["status"] == "queued"  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("drain", "nothing@here"), "no worker nothing@here reports itself. Workers: control@"),
        (("drain", "provider"), "name the worker with its host"),
        (("drain",), "name a worker, such as provider@host, or --host"),
        (("undrain", "--host", "elsewhere"), "@elsewhere is not drained. Drained: nothing"),
    ],
)
def test_wrong_targets_are_refused(drained: System, arguments: tuple[str, ...], says: str) -> None:
    done = run(drained, *arguments)

    assert done.returncode != 0
    assert says in done.stdout + done.stderr
