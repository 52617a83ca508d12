"""Webhooks of the whole system: what really arrives, and `reelworks listen`."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from schemas.webhook_tables import WebhookEndpoint
from tests.e2e.conftest import System
from tests.e2e.test_faults import worker_process
from tests.integration.notify.webhooks.conftest import SECRET
from tests.support import NewCustomer, eventually
from tests.unit.notify.webhooks.test_signing import ed25519_is_right
from tests.webhook_receiver import Answer, Message, Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def listening(system: System, customer: NewCustomer, url: str, *types: str) -> UUID:
    """An endpoint of a customer."""
    with system.database.transaction() as session:
        row = WebhookEndpoint(customer_id=customer.id, url=url, types=list(types), secret=SECRET)
        session.add(row)
        session.flush()
        return row.id


def test_end_of_a_generation_arrives_signed(system: System, receiver: Receiver) -> None:
    customer, word = system.customer(), system.behave()
    listening(system, customer, receiver.url, "generation.completed")
    seen = system.make(customer, word, reference="order-17")
    (message,) = receiver.until(1)

    told = Webhook(SECRET).verify(message.body, dict(message.headers))
    assert (told["type"], told["data"]["generation_id"]) == ("generation.completed", seen.id)
    assert told["data"]["reference"] == "order-17"
    assert word not in message.body.decode()
    public = system.http.get("/v1/webhooks/public-key").raise_for_status().json()["public_key"]
    assert ed25519_is_right(dict(message.headers), message.body, public)
    document = system.http.get(f"/v1/events/{told['id']}", headers=customer.headers).raise_for_status().json()
    assert document == told
    stranger = system.http.get(f"/v1/events/{told['id']}", headers=system.customer().headers)
    assert stranger.status_code == httpx.codes.NOT_FOUND


def test_order_with_a_callback_url_is_told_there_and_once_more_when_asked(system: System, receiver: Receiver) -> None:
    customer, word = system.customer(), system.behave()
    url = f"{receiver.url}/of-the-order"
    seen = system.make(customer, word, callback_url=url)
    (message,) = receiver.until(1, path="/of-the-order")

    def get(path: str, **query: str) -> Any:
        return system.http.get(path, params=query, headers=customer.headers).raise_for_status().json()

    (endpoint,) = get("/v1/webhooks/endpoints", url=url)["data"]
    secret = get(f"/v1/webhooks/endpoints/{endpoint['id']}/secret")["secret"]
    assert Webhook(secret).verify(message.body, dict(message.headers))["data"]["generation_id"] == seen.id
    again = f"/v1/webhooks/deliveries/{message.id}/redeliver"
    eventually(lambda: get(f"/v1/webhooks/deliveries/{message.id}")["state"], lambda state: state == "delivered")
    system.http.post(again, headers=customer.headers).raise_for_status()
    first, second = receiver.until(2, path="/of-the-order")
    assert (first.id, first.body) == (second.id, second.body)


def test_endpoint_hears_the_types_of_its_filter(system: System, receiver: Receiver) -> None:
    customer, word = system.customer(), system.behave()
    listening(system, customer, receiver.url, "generation.*")
    system.make(customer, word)
    expected = {f"generation.{name}" for name in ("accepted", "started", "moved", "completed")}
    messages = eventually(lambda: receiver.messages[:], lambda found: types(found) >= expected)
    assert types(messages) == expected


def types(messages: list[Message]) -> set[str]:
    """The types of the events."""
    return {json.loads(each.body)["type"] for each in messages}


def test_listen_forwards_events_as_webhooks(system: System, receiver: Receiver, tmp_path: Path) -> None:
    customer, word = system.customer(), system.behave()
    listening(system, customer, f"{receiver.url}/webhook", "generation.completed")
    command = [sys.executable, "-m", "cli", "listen", "--forward-to", f"{receiver.url}/listen"]
    command += ["--gateway", system.stack.gateway_url]
    environment = {**os.environ, "REELWORKS_API_KEY": customer.api_key, "PYTHONUNBUFFERED": "1"}
    out = tmp_path / "out"
    with out.open("w") as lines, subprocess.Popen(command, stdout=lines, stderr=lines, env=environment) as process:
        try:
            eventually(out.read_text, lambda said: "connected" in said)
            system.make(customer, word)
            (forwarded,), (sent,) = receiver.until(1, path="/listen"), receiver.until(1, path="/webhook")
            said = eventually(out.read_text, lambda said: "204" in said)
        finally:
            process.terminate()
    assert json.loads(forwarded.body) == json.loads(sent.body)
    printed = dict(line.rsplit(maxsplit=1) for line in said.splitlines()[:2])
    Webhook(printed["secret"]).verify(forwarded.body, dict(forwarded.headers))
    assert ed25519_is_right(dict(forwarded.headers), forwarded.body, printed["public key"])
    assert "generation.completed" in said


@pytest.mark.slow
def test_each_message_arrives_although_its_process_is_killed(system: System, receiver: Receiver) -> None:
    customer, word = system.customer(), system.behave()
    endpoint_id = listening(system, customer, receiver.url, "generation.*")
    generation_id = system.make(customer, word).id
    with system.database.transaction() as session:
        session.execute(_MANY, {"generation_id": generation_id, "count": 500})
    receiver.answer = slow_answer
    for count in (50, 150, 250):
        receiver.until(count)
        kill(worker_process(system, "notify"))
    query = text("SELECT id::text, state FROM webhook_deliveries WHERE endpoint_id = :id")

    def states() -> dict[str, str]:
        with system.database.transaction() as session:
            return {row.id: row.state for row in session.execute(query, {"id": endpoint_id})}

    sent = eventually(states, lambda found: len(found) >= 500 and set(found.values()) == {"delivered"})
    assert {each.id for each in receiver.messages} >= sent.keys()


_MANY = text("""
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, data)
    SELECT id, customer_id, 'queued', 'submitting', 5, '{}' FROM generations, generate_series(1, :count)
    WHERE id = :generation_id
""")


def slow_answer(_: Message) -> Answer:
    """An answer after a moment, so that tries run when the process is killed."""
    time.sleep(0.1)
    return Answer()


def kill(process: psutil.Process) -> None:
    """Kill a process, and wait for its end."""
    process.kill()
    eventually(process.is_running, lambda is_running: not is_running)
