"""What SIGTERM does to processes that work: they end in time, and nothing is lost, failed or paid twice."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from pydantic import JsonValue
from redis import Redis
from sqlalchemy import text
from sqlmodel import select

from schemas.enums import Queue, Stage
from schemas.tables import Generation
from stack.ports import free_port
from tests.e2e.conftest import System
from tests.support import NewCustomer, eventually, until_an_insert_waits
from workers.app import create_app

pytestmark = pytest.mark.slow

VIDEO: dict[str, JsonValue] = {"model": "kling-2.6-text-to-video", "duration_seconds": 5}

# The processes stop their work after 1 s. A busy machine takes longer to end them.
SECONDS_TO_END = 60


@contextmanager
def running(system: System, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the system's, as a service manager would start it."""
    log = system.stack.folder / "logs" / "deploys.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, **system.stack.env, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def worker(role: str) -> Sequence[str]:
    return ("workers", "--role", role)


def row(system: System, generation_id: str) -> Generation:
    with system.database.transaction() as session:
        return session.exec(select(Generation).where(Generation.id == generation_id)).one()


def is_due(system: System, generation_id: str) -> bool:
    query = text(
        "SELECT lease_token IS NULL AND lease_until IS NULL AND wake_at <= now() FROM generations WHERE id = :id"
    )
    with system.database.transaction() as session:
        return bool(session.execute(query, {"id": generation_id}).scalar_one())


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(SECONDS_TO_END)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_download_that_outlasts_the_bound_goes_on_in_another_worker_at_once(
    deployed: System, number: signal.Signals
) -> None:
    customer = deployed.customer()
    word = deployed.behave(bytes_per_second=50_000)
    with running(deployed, *worker("provider")):
        with running(deployed, *worker("transfer")) as old:
            generation_id = deployed.submit(customer, word, **VIDEO).json()["id"]
            eventually(lambda: deployed.sandbox.tasks(word), lambda tasks: [task.downloads for task in tasks] == [1])
            # Without a waker the row stays as it was handed back. An orderly end may outlast the download.
            deployed.stack.kill("beat")
            assert end(old, number) == 0
        handed_back = row(deployed, generation_id)
        assert (handed_back.stage, handed_back.failures, handed_back.crashes) == (Stage.DOWNLOADING, 0, 0)
        assert is_due(deployed, generation_id)
        deployed.stack.start("beat")
        with running(deployed, *worker("transfer")):
            seen = deployed.finished(customer, generation_id)
    assert seen.status == "completed"
    assert deployed.task(word).downloads == 2
    assert deployed.sandbox.requests(word).accepted == 1
    assert deployed.balance(customer) == (1000 - seen.credits.captured, 0)


def test_a_second_request_to_end_hands_back_at_once(deployed: System) -> None:
    customer = deployed.customer()
    word = deployed.behave(bytes_per_second=50_000)
    patient = {"REELWORKS_WORKER_DRAIN_SECONDS": "600"}
    with running(deployed, *worker("provider")):
        with running(deployed, "cli", "worker", "--role", "transfer", **patient) as old:
            generation_id = deployed.submit(customer, word, **VIDEO).json()["id"]
            eventually(lambda: deployed.sandbox.tasks(word), lambda tasks: [task.downloads for task in tasks] == [1])
            old.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                old.wait(2)
            assert end(old) == 0
        with running(deployed, *worker("transfer")):
            assert deployed.finished(customer, generation_id).status == "completed"
    assert deployed.task(word).downloads == 2


def test_a_download_that_can_finish_in_time_finishes(deployed: System) -> None:
    customer = deployed.customer()
    word = deployed.behave(bytes_per_second=200_000)
    patient = {"REELWORKS_WORKER_DRAIN_SECONDS": "600"}
    with running(deployed, *worker("provider")):
        with running(deployed, *worker("transfer"), **patient) as old:
            generation_id = deployed.submit(customer, word, **VIDEO).json()["id"]
            eventually(lambda: deployed.sandbox.tasks(word), lambda tasks: [task.downloads for task in tasks] == [1])
            old.send_signal(signal.SIGTERM)
            assert old.wait(300) == 0
        assert deployed.finished(customer, generation_id).status == "completed"
    assert deployed.task(word).downloads == 1


def test_a_create_that_is_in_flight_at_the_bound_is_not_sent_again(deployed: System) -> None:
    customer = deployed.customer()
    word = deployed.behave(create_latency_seconds=40, seconds=0, callback="lost")
    with running(deployed, *worker("provider")) as old:
        generation_id = deployed.submit(customer, word).json()["id"]
        eventually(lambda: deployed.sandbox.requests(word).arrived, lambda arrived: arrived == 1)
        assert end(old) == 0
    assert row(deployed, generation_id).stage == Stage.SUBMITTING
    with running(deployed, *worker("provider")), running(deployed, *worker("transfer")):
        # It looks at the row, and waits for the callback.
        eventually(lambda: row(deployed, generation_id).attempt, lambda attempt: attempt >= 2)
        (task,) = eventually(lambda: deployed.sandbox.tasks(word), lambda tasks: len(tasks) > 0)
        assert deployed.sandbox.send_callback(task.task_id).status == 200
        assert deployed.finished(customer, generation_id).status == "completed"
    assert deployed.sandbox.requests(word).accepted == 1


def test_a_request_at_the_redis_door_that_outlasts_the_bound_goes_back(deployed: System) -> None:
    customer = deployed.customer()
    arguments = {"customer_id": str(customer.id), "request": {"model": "nano-banana", "prompt": deployed.behave()}}
    settings = deployed.stack.settings
    plain = settings.database_url
    with create_app(settings) as client, psycopg.connect(plain) as blocker, Redis.from_url(settings.redis_url) as redis:
        blocker.execute("LOCK TABLE generations IN EXCLUSIVE MODE")
        with running(deployed, *worker("requests")) as old:
            client.send_task("generation.enqueue", kwargs=arguments, queue=Queue.REQUESTS.value)
            until_an_insert_waits(deployed.database)
            assert redis.llen(Queue.REQUESTS.value) == 0
            assert end(old) == 0
        assert redis.llen(Queue.REQUESTS.value) == 1
        blocker.rollback()
        with running(deployed, *worker("requests")):
            eventually(lambda: deployed.balance(customer), lambda balance: balance == (1000 - 4, 4))
    with running(deployed, *worker("provider")), running(deployed, *worker("transfer")):
        eventually(lambda: deployed.balance(customer), lambda balance: balance == (1000 - 4, 0))


def test_all_roles_stop_under_load_and_others_complete_everything(deployed: System) -> None:
    customer = deployed.customer()
    word = deployed.behave(create_latency_seconds=0.5, delivered={"width": 64, "height": 64})
    slow = deployed.behave(bytes_per_second=50_000)
    for part in ("worker-control", "worker-media"):
        deployed.stack.stop(part)
    try:
        with running(deployed, "cli", "worker") as old:
            generation_ids = [deployed.submit(customer, slow, **VIDEO).json()["id"]]
            generation_ids += [deployed.submit(customer, word).json()["id"] for _ in range(40)]
            # Processes of every role start at the same time.
            eventually(lambda: deployed.sandbox.requests(word).accepted, lambda accepted: accepted >= 10, seconds=180)
            eventually(lambda: deployed.sandbox.tasks(slow), lambda tasks: [task.downloads for task in tasks] == [1])
            assert end(old) == 0
        with running(deployed, "cli", "worker"):
            seen = [deployed.finished(customer, generation_id) for generation_id in generation_ids]
    finally:
        for part in ("worker-control", "worker-media"):
            deployed.stack.start(part)
    assert {one.status for one in seen} == {"completed"}
    assert deployed.sandbox.requests(word).accepted == 40
    assert deployed.balance(customer) == (1000 - sum(one.credits.captured for one in seen), 0)


@contextmanager
def gateway(system: System, *, drain_seconds: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Another gateway of the system's, and its port. A body has more time than a test has."""
    port = free_port()
    environment = {
        "REELWORKS_GATEWAY_PORT": str(port),
        "REELWORKS_GATEWAY_DRAIN_SECONDS": str(drain_seconds),
        "REELWORKS_CONNECTIONS__BODY_SECONDS": "600",
    }
    with running(system, "cli", "gateway", **environment) as process:
        eventually(lambda: _is_alive(port), bool)
        yield process, port


def _is_alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def begun_order(port: int, customer: NewCustomer, body: bytes) -> Iterator[socket.socket]:
    """A connection whose request the gateway handles already, and whose body it still waits for."""
    head = [
        "POST /v1/generations HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {customer.api_key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Expect: 100-continue",
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        assert b"100 Continue" in connection.recv(1000)
        yield connection


def test_an_order_in_flight_is_answered_and_a_new_one_is_not_taken(deployed: System) -> None:
    customer = deployed.customer()
    body = json.dumps({"model": "nano-banana", "prompt": deployed.behave()}).encode()
    with (
        gateway(deployed, drain_seconds=600) as (process, port),
        begun_order(port, customer, body) as connection,
    ):
        process.send_signal(signal.SIGTERM)
        eventually(lambda: _is_alive(port), lambda is_alive: not is_alive)
        connection.sendall(body)
        assert b" 202 Accepted" in connection.recv(10_000)
        process.wait(SECONDS_TO_END)
    assert deployed.balance(customer) == (1000 - 4, 4)


def test_an_order_that_never_ends_does_not_keep_the_gateway_up(deployed: System) -> None:
    with gateway(deployed, drain_seconds=1) as (process, port), begun_order(port, deployed.customer(), b"{}"):
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS_TO_END) == -signal.SIGTERM
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
