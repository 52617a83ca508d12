"""Customers see what happened to their generations; the operator sees all of it."""

import json
from collections.abc import Callable
from uuid import UUID, uuid4

import httpx
import pytest

from schemas.enums import EventName, FoundBy, Scope, Stage
from schemas.settings import Settings
from schemas.timeline_api import OtherEntry
from storage import callbacks, deletion, transitions
from storage.api_keys import Owner
from storage.database import Database
from storage.objects import ObjectStore
from tasks import variants
from tasks.services import WorkerServices
from tests.integration.gateway.finishing import REMOTE_ID, complete, complete_with_variants
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation, operator_key

# Facts for operators.
HIDDEN = ("kie", REMOTE_ID, "worker", "attempt", "calls", "found_by", "the reason", "provider@host")


@pytest.fixture
def generation_id(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> UUID:
    """A completed generation with facts that only operators see."""
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture", poster=True)
    call = {"at": "2026-11-20T12:00:00Z", "operation": "poll", "status": 503, "failure": None, "seconds": 0.2}
    by = {"worker": "provider@host", "attempt": 1, "calls": [call]}
    with database.statements() as sql:
        callbacks.record(sql, "kie", generation_id, remote_id=REMOTE_ID, body=b"{}", resend_after=10)
        transitions.note_trouble(sql, generation_id, "the reason", by)
        sql.run(
            "UPDATE events SET data = data || %(more)s::jsonb WHERE generation_id = %(id)s AND stage = 'downloading'",
            id=generation_id, more=json.dumps({"by": by, "found_by": FoundBy.CALLBACK}),
        )  # fmt: skip
    return generation_id


def test_customer_sees_stages_credits_and_files_without_operators_facts(
    gateway: httpx.Client, customer: NewCustomer, generation_id: UUID
) -> None:
    answer = gateway.get(f"/v1/generations/{generation_id}/timeline", headers=customer.headers)
    told = answer.json()
    assert answer.status_code == 200
    assert (told["object"], told["status"], told["stage"]) == ("timeline", "completed", "completed")
    moves = [entry["stage"] for entry in told["entries"] if entry["name"] == EventName.MOVED]
    way = (Stage.QUEUED, Stage.SUBMITTING, Stage.GENERATING, Stage.DOWNLOADING, Stage.STORING, Stage.SETTLING)
    assert moves == [*way, Stage.COMPLETED]
    moved = [(entry["name"], entry["details"]) for entry in told["entries"] if "amount" in entry["details"]]
    assert moved == [("hold", {"amount": 10}), ("capture", {"amount": 10})]
    assert [entry["details"]["role"] for entry in told["entries"] if entry["name"] == "stored"] == ["result", "poster"]
    assert [entry["details"] for entry in told["entries"] if entry["name"] == EventName.TRY_FAILED] == [{}]
    assert [hidden for hidden in HIDDEN if hidden in answer.text] == []


def test_operator_sees_the_facts_also_after_a_deletion(
    gateway: httpx.Client, database: Database, objects: ObjectStore, generation_id: UUID
) -> None:
    key = {"X-API-Key": operator_key(database)}
    path = f"/v1/admin/generations/{generation_id}/timeline"
    text = gateway.get(path, headers=key).text
    assert [hidden for hidden in HIDDEN if hidden not in text] == []
    deletion.delete(database, objects, generation_id)
    told = gateway.get(path, headers=key).json()
    assert told["deleted_at"] is not None
    assert told["entries"][-1]["name"] == "deleted"
    (trouble,) = [entry for entry in told["entries"] if entry["name"] == EventName.TRY_FAILED]
    # A reason may quote a text. The calls and the worker do not.
    assert (trouble["details"], trouble["worker"], trouble["calls"][0]["status"]) == ({}, "provider@host", 503)
    assert gateway.get(f"/v1/admin/generations/{uuid4()}/timeline", headers=key).status_code == 404


def test_key_of_a_customer_or_service_does_not_open_the_operators_timeline(
    gateway: httpx.Client, database: Database, generation_id: UUID, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    key = make_key(Owner(customer.id), scopes=(Scope.ADMIN, Scope.READ))
    answer = gateway.get(f"/v1/admin/generations/{generation_id}/timeline", headers={"X-API-Key": key})
    assert answer.status_code == 403


def test_messages_to_the_customers_endpoints_are_on_the_timeline_with_each_try(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    body = {"url": "https://example.com/hook", "types": ["generation.completed"]}
    endpoint = gateway.post("/v1/webhooks/endpoints", json=body, headers=customer.headers).json()
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")
    path = f"/v1/generations/{generation_id}/timeline"

    def sent() -> list[dict[str, object]]:
        entries = gateway.get(path, headers=customer.headers).json()["entries"]
        return [entry["details"] for entry in entries if entry["name"] == OtherEntry.WEBHOOK]

    (waiting,) = sent()
    assert (waiting["type"], waiting["state"]) == ("generation.completed", "pending")
    assert waiting["endpoint_id"] == endpoint["id"]
    with database.statement() as sql:
        sql.run(
            "INSERT INTO webhook_attempts (delivery_id, number, began_at, status, seconds, error) VALUES "
            "(%(id)s, 1, clock_timestamp(), NULL, 10, 'no answer'), (%(id)s, 2, clock_timestamp(), 200, 0.1, NULL)",
            id=waiting["delivery_id"],
        )
    assert [(each["number"], each.get("status"), each.get("error")) for each in sent()] == [
        (1, None, "no answer"),
        (2, 200, None),
    ]


SMALL = {"name": "small", "width": 16}


def variants_on(gateway: httpx.Client, customer: NewCustomer, generation_id: UUID) -> dict[str, dict[str, object]]:
    """What the customer's timeline tells of each variant, by name."""
    told = gateway.get(f"/v1/generations/{generation_id}/timeline", headers=customer.headers).json()
    entries = [entry for entry in told["entries"] if entry["name"] == OtherEntry.VARIANT]
    assert {entry["stage"] for entry in entries} <= {Stage.COMPLETED}
    return {entry["details"]["name"]: entry["details"] for entry in entries}


def test_variants_are_on_the_timeline_while_they_are_pending_and_once_they_are_made(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer,
    worker: WorkerServices,
) -> None:  # fmt: skip
    generation_id = complete_with_variants(database, settings, objects, customer, png(64, 64), {"kind": "web"}, SMALL)
    for waiting in variants_on(gateway, customer, generation_id).values():
        assert (waiting["state"], waiting["is_being_made"]) == ("pending", False)
        assert waiting.keys() == {"name", "kind", "state", "is_being_made", "due_seconds"}
    variants.run(worker)
    made = variants_on(gateway, customer, generation_id)
    document = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers).json()
    assert [each["name"] for each in document["variants"]] == ["web", "small"] == sorted(made, reverse=True)
    for each in document["variants"]:
        (file,) = each["files"]
        seconds = made[each["name"]].pop("seconds")
        assert isinstance(seconds, float)
        assert seconds > 0
        assert made[each["name"]] == {
            "name": each["name"], "kind": each["kind"], "state": "ready", "origin": each["origin"],
            **{name: file[name] for name in ("content_type", "size_bytes", "width", "height")},
        }  # fmt: skip


def test_failed_variant_tells_the_customer_its_reason_and_operators_its_worker(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer,
    worker: WorkerServices,
) -> None:  # fmt: skip
    generation_id = complete_with_variants(database, settings, objects, customer, b"no picture", SMALL)
    variants.run(worker)
    document = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers).json()
    reason = document["variants"][0]["error"]
    assert reason["code"] == "not_possible"
    told = {"name": "small", "kind": "copy", "state": "failed", **reason}
    assert variants_on(gateway, customer, generation_id) == {"small": told}
    key = {"X-API-Key": operator_key(database)}
    all_told = gateway.get(f"/v1/admin/generations/{generation_id}/timeline", headers=key).json()
    assert all_told["entries"][-1]["details"] == {**told, "worker": "a test", "claims": 1}
