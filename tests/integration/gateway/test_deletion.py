"""A customer deletes a generation: files and texts go, facts about money stay."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import SQLModel, select

from schemas.enums import EventName, Stage
from schemas.settings import Settings
from schemas.tables import Asset
from storage import callbacks, ledger, timeline, transitions
from storage.audit import audit
from storage.database import Database
from storage.objects import ObjectStore
from storage.orphans import find_orphans
from tests.integration.command import Reelworks
from tests.integration.gateway.finishing import REMOTE_ID, complete
from tests.support import NewCustomer

PATH = "/v1/generations"
SECRET = "xylophone"
REQUEST = {"model": "nano-banana", "prompt": f"a {SECRET} at sea", "reference": SECRET, "metadata": {"title": SECRET}}


def ordered(gateway: httpx.Client, customer: NewCustomer, **headers: str) -> UUID:
    answer = gateway.post(PATH, json=REQUEST, headers=customer.headers | headers)
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["id"])


@pytest.fixture
def done(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> UUID:
    """A completed generation with two files. Its callback and its timeline quote the prompt."""
    generation_id = ordered(gateway, customer, **{"Idempotency-Key": "order-1"})
    complete(database, settings, objects, generation_id, b"a picture", poster=True)
    with database.statements() as sql:
        transitions.note(sql, generation_id, EventName.SUBMIT_UNKNOWN, {"reason": f"no {SECRET}", "route": 0})
    report(database, generation_id)
    return generation_id


def report(database: Database, generation_id: UUID) -> None:
    with database.statements() as sql:
        body = f'{{"prompt": "{SECRET}"}}'.encode()
        callbacks.record(sql, "kie", generation_id, remote_id=REMOTE_ID, body=body, resend_after=10)


def tables_with(database: Database, word: str) -> list[str]:
    """The tables in which a row has the word."""
    with database.transaction() as session:
        return [
            name
            for name in SQLModel.metadata.tables
            if session.execute(
                text(f"SELECT count(*) FROM {name} r WHERE r::text LIKE :word OR r::text LIKE :hex"),
                {"word": f"%{word}%", "hex": f"%{word.encode().hex()}%"},
            ).scalar_one()
        ]


def test_deleted_generation_is_gone_and_leaves_no_text(
    gateway: httpx.Client, database: Database, objects: ObjectStore, customer: NewCustomer, done: UUID
) -> None:
    assert tables_with(database, SECRET) == ["generations", "events", "callback_receipts", "generation_labels"]
    with database.transaction() as session:
        balance = ledger.balance(session, customer.id)
        keys = session.exec(select(Asset.object_key)).all()
    assert len(keys) == 2

    answer = gateway.delete(f"{PATH}/{done}", headers=customer.headers)

    assert (answer.status_code, answer.content) == (204, b"")
    for path in (f"{PATH}/{done}", f"{PATH}/{done}/content", f"{PATH}/{done}/thumbnail"):
        assert gateway.get(path, headers=customer.headers).status_code == 404
    for method, path in (("DELETE", ""), ("POST", "/cancel")):
        assert gateway.request(method, f"{PATH}/{done}{path}", headers=customer.headers).status_code == 404
    for parameters in ({}, {"q": SECRET}, {"status": "completed"}, {"kind": "image"}):
        assert gateway.get(PATH, params=parameters, headers=customer.headers).json()["data"] == []
    assert tables_with(database, SECRET) == []
    assert [objects.stat(key) for key in keys] == [None, None]
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == balance
        assert session.execute(text("SELECT count(*) FROM generation_terms")).scalar_one() == 0
        events = timeline.read(session, done)
    assert events[-1].name is EventName.DELETED
    assert {"route": 0} in [event.data for event in events]
    assert audit(database, objects).breaches == []


def test_callback_after_the_deletion_stores_nothing(
    gateway: httpx.Client, database: Database, customer: NewCustomer, done: UUID
) -> None:
    gateway.delete(f"{PATH}/{done}", headers=customer.headers)

    report(database, done)

    assert tables_with(database, SECRET) == []


def test_repeated_order_of_a_deleted_generation_is_refused_and_costs_nothing(
    gateway: httpx.Client, database: Database, customer: NewCustomer, done: UUID
) -> None:
    gateway.delete(f"{PATH}/{done}", headers=customer.headers)

    again = gateway.post(PATH, json=REQUEST, headers=customer.headers | {"Idempotency-Key": "order-1"})

    assert (again.status_code, again.json()["code"]) == (410, "generation_deleted")
    assert again.json()["detail"].startswith(f"this idempotency key made generation {done}, which you have deleted")
    with database.transaction() as session:
        assert ledger.balance(session, customer.id).held == 0


def test_deleted_generation_is_no_input_of_an_order(gateway: httpx.Client, customer: NewCustomer, done: UUID) -> None:
    gateway.delete(f"{PATH}/{done}", headers=customer.headers)

    request = {"model": "nano-banana-edit", "prompt": "at night", "image_urls": [f"generation:{done}"]}
    answer = gateway.post(PATH, json=request, headers=customer.headers)

    assert answer.status_code == 422
    assert "is no generation of yours" in answer.json()["detail"]


def test_unfinished_generation_is_not_deleted(gateway: httpx.Client, customer: NewCustomer) -> None:
    generation_id = ordered(gateway, customer)

    answer = gateway.delete(f"{PATH}/{generation_id}", headers=customer.headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "not_finished")
    assert answer.json()["detail"] == "the generation is queued: cancel it first, and delete it when it has ended"
    gateway.post(f"{PATH}/{generation_id}/cancel", headers=customer.headers)
    assert gateway.delete(f"{PATH}/{generation_id}", headers=customer.headers).status_code == 204


def test_other_customers_cannot_delete(
    gateway: httpx.Client, customer: NewCustomer, make_customer: Callable[[int], NewCustomer], done: UUID
) -> None:
    other = make_customer(0).headers

    assert gateway.delete(f"{PATH}/{done}", headers=other).status_code == 404
    assert gateway.delete(f"{PATH}/{uuid4()}", headers=other).status_code == 404
    assert gateway.get(f"{PATH}/{done}", headers=customer.headers).json()["stage"] == Stage.COMPLETED


def test_file_whose_removal_was_interrupted_is_an_orphan(
    database: Database, objects: ObjectStore, customer: NewCustomer, done: UUID
) -> None:
    with database.statements() as sql:
        keys = [key for key, _ in transitions.erase(sql, done)]

    found = [orphan.key for found in find_orphans(database, objects, older_than=-timedelta(days=1)) for orphan in found]

    assert sorted(found) == sorted(keys)
    assert len(keys) == 2


def test_operator_deletes_a_generation(
    reelworks: Reelworks, gateway: httpx.Client, database: Database, customer: NewCustomer, done: UUID
) -> None:
    ended = reelworks("generations", "delete", str(done), "--yes")

    assert ended.status == 0
    assert ended.out.endswith(f"generation {done} is deleted\n")
    assert tables_with(database, SECRET) == []
    assert gateway.get(f"{PATH}/{done}", headers=customer.headers).status_code == 404
    assert reelworks("generations", "delete", str(done), "--yes").err == f"there is no generation {done}\n"
