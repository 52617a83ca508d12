"""Messages to endpoints over HTTP: lists, attempts, redeliveries and tests."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from schemas.settings import Settings
from schemas.tables import Generation
from storage import transitions
from storage.database import Database
from storage.sql import of
from storage.webhooks import deliveries
from tests.integration.gateway.test_webhook_endpoints import PATH, URL, Answer
from tests.support import NewCustomer, a_generation

DELIVERIES = "/v1/webhooks/deliveries"

_END = """
    UPDATE webhook_deliveries SET state = %(state)s, tries = 1, ended_at = now() WHERE type = %(type)s
"""
_ATTEMPT = """
    INSERT INTO webhook_attempts (delivery_id, number, status, seconds, error, answer)
    SELECT id, 1, 500, 0.25, 'the answer was 500', 'sorry' FROM webhook_deliveries WHERE type = %(type)s
"""


@pytest.fixture
def client(gateway: httpx.Client, customer: NewCustomer) -> Iterator[httpx.Client]:
    """A client with the customer's key."""
    with httpx.Client(base_url=gateway.base_url, headers=customer.headers) as client:
        yield client


@pytest.fixture
def endpoint(client: httpx.Client) -> Answer:
    """An endpoint that hears all events."""
    made: Answer = client.post(PATH, json={"url": URL, "types": ["*"]}).raise_for_status().json()
    return made


@pytest.fixture
def generation_id(endpoint: Answer, database: Database, settings: Settings, customer: NewCustomer) -> str:
    """A cancelled generation: its acceptance failed to be told, and its end was told."""
    generation_id = a_generation(database, settings, customer)
    with database.transaction() as session:
        transitions.cancel_unsent(of(session), session.get_one(Generation, generation_id))
    with database.statement() as sql:
        sql.run(_END, state="failed", type="generation.accepted")
        sql.run(_END, state="delivered", type="generation.cancelled")
        sql.run(_ATTEMPT, type="generation.accepted")
    return str(generation_id)


def _found(client: httpx.Client, **query: str | int) -> list[tuple[str, str]]:
    page = client.get(DELIVERIES, params=query).raise_for_status().json()
    return [(each["type"], each["state"]) for each in page["data"]]


def _span(**more: Any) -> dict[str, Any]:
    return {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), **more}


FAILED = ("generation.accepted", "failed")
DELIVERED = ("generation.cancelled", "delivered")


def test_deliveries_are_listed_newest_first_with_filters(
    client: httpx.Client, endpoint: Answer, generation_id: str
) -> None:
    assert _found(client) == [DELIVERED, FAILED]
    assert _found(client, endpoint_id=endpoint["id"], generation_id=generation_id) == [DELIVERED, FAILED]
    assert _found(client, generation_id=endpoint["id"]) == []
    assert _found(client, state="failed") == [FAILED]
    assert _found(client, state="dropped") == []
    assert _found(client, type="generation.cancelled") == [DELIVERED]
    assert _found(client, type="generation.cancelled", state="failed") == []
    first = client.get(DELIVERIES, params={"limit": 1}).json()
    assert _found(client, limit=1, cursor=first["next_cursor"]) == [FAILED]


def test_filter_that_few_pass_gives_short_pages_that_lead_on(
    client: httpx.Client, generation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_MOST_READ", 1)

    page = client.get(DELIVERIES, params={"type": "generation.accepted"}).json()
    assert (page["data"], page["has_more"]) == ([], True)
    assert _found(client, type="generation.accepted", cursor=page["next_cursor"]) == [FAILED]


def test_delivery_shows_its_body_and_its_attempts(client: httpx.Client, endpoint: Answer, generation_id: str) -> None:
    (listed,) = client.get(DELIVERIES, params={"state": "failed"}).json()["data"]

    shown = client.get(f"{DELIVERIES}/{listed['id']}").raise_for_status().json()
    (attempt,) = shown.pop("attempts")
    body = json.loads(shown.pop("body"))
    assert (body["id"], body["type"]) == (listed["event_id"], "generation.accepted")
    assert body["data"]["generation_id"] == generation_id
    assert shown == listed
    assert (shown["endpoint_id"], shown["generation_id"], shown["tries"]) == (endpoint["id"], generation_id, 1)
    assert shown["next_at"] is None
    assert (attempt["number"], attempt["status"], attempt["seconds"], attempt["error"], attempt["answer"]) == (
        1, 500, 0.25, "the answer was 500", "sorry",
    )  # fmt: skip


def test_message_is_sent_once_more_with_its_id(client: httpx.Client, generation_id: str) -> None:
    (listed,) = client.get(DELIVERIES, params={"state": "failed"}).json()["data"]

    again = client.post(f"{DELIVERIES}/{listed['id']}/redeliver")
    assert again.status_code == 202
    told = again.json()
    assert (told["id"], told["state"], told["tries"], told["ended_at"]) == (listed["id"], "pending", 0, None)
    assert (told["event_id"], told["created_at"]) == (listed["event_id"], listed["created_at"])
    assert len(told["attempts"]) == 1
    assert _found(client, state="pending") == [("generation.accepted", "pending")]


def test_messages_of_a_time_are_counted_and_sent_once_more(
    client: httpx.Client, endpoint: Answer, generation_id: str
) -> None:
    path = f"{PATH}/{endpoint['id']}/redeliver"

    counted = client.post(path, json=_span(dry_run=True))
    assert counted.json() == {"object": "webhook_redelivery", "count": 1, "dry_run": True}
    assert client.post(path, json=_span(dry_run=True, only_failed=False)).json()["count"] == 2
    assert client.post(path, json={**_span(), "until": _span()["since"]}).json()["count"] == 0
    assert _found(client) == [DELIVERED, FAILED]
    assert client.post(path, json=_span()).json()["count"] == 1
    assert _found(client) == [DELIVERED, ("generation.accepted", "pending")]
    assert client.post(path, json=_span(only_failed=False)).json()["count"] == 1
    assert [state for _, state in _found(client)] == ["pending", "pending"]


def test_time_with_too_many_messages_is_refused(
    client: httpx.Client, endpoint: Answer, generation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MOST_AT_ONCE", 1)

    refused = client.post(f"{PATH}/{endpoint['id']}/redeliver", json=_span(only_failed=False))
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_deliveries")
    assert _found(client) == [DELIVERED, FAILED]


def test_test_message_goes_to_an_endpoint_whatever_it_hears(client: httpx.Client) -> None:
    made = client.post(PATH, json={"url": URL}).json()

    answer = client.post(f"{PATH}/{made['id']}/test")
    assert answer.status_code == 202
    sent = answer.json()
    assert (sent["type"], sent["state"], sent["endpoint_id"], sent["generation_id"], sent["event_id"]) == (
        "endpoint.test", "pending", made["id"], None, None,
    )  # fmt: skip
    assert client.get(f"{DELIVERIES}/{sent['id']}").json() == sent


def test_nothing_is_sent_to_a_paused_endpoint(client: httpx.Client, endpoint: Answer, generation_id: str) -> None:
    (listed,) = client.get(DELIVERIES, params={"state": "failed"}).json()["data"]
    client.post(f"{PATH}/{endpoint['id']}/pause").raise_for_status()

    refused = [
        client.post(f"{DELIVERIES}/{listed['id']}/redeliver"),
        client.post(f"{PATH}/{endpoint['id']}/redeliver", json=_span()),
        client.post(f"{PATH}/{endpoint['id']}/test"),
    ]
    assert [(each.status_code, each.json()["code"]) for each in refused] == [(409, "endpoint_paused")] * 3
    assert client.post(f"{PATH}/{endpoint['id']}/redeliver", json=_span(dry_run=True)).json()["count"] == 1
    assert _found(client) == [DELIVERED, FAILED]


def test_deliveries_of_a_deleted_endpoint_are_not_shown(
    client: httpx.Client, endpoint: Answer, generation_id: str
) -> None:
    (listed,) = client.get(DELIVERIES, params={"state": "failed"}).json()["data"]
    client.delete(f"{PATH}/{endpoint['id']}").raise_for_status()

    assert _found(client) == []
    assert client.get(f"{DELIVERIES}/{listed['id']}").status_code == 404
    assert client.post(f"{DELIVERIES}/{listed['id']}/redeliver").status_code == 404


def test_deliveries_of_other_customers_are_not_found(
    gateway: httpx.Client, client: httpx.Client, generation_id: str, make_customer: Callable[[int], NewCustomer]
) -> None:
    (listed,) = client.get(DELIVERIES, params={"state": "failed"}).json()["data"]
    other = make_customer(0).headers

    assert gateway.get(DELIVERIES, headers=other).json()["data"] == []
    assert gateway.get(f"{DELIVERIES}/{listed['id']}", headers=other).status_code == 404
    assert gateway.post(f"{DELIVERIES}/{listed['id']}/redeliver", headers=other).status_code == 404
