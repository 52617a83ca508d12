"""`reelworks inspect`."""

import json
from uuid import UUID

import pytest
from sqlalchemy import text

from schemas.enums import ErrorCode, EventName, Stage
from schemas.orders import GenerationRequest
from schemas.settings import Settings
from storage import acceptance, lookup, transitions
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import Query, of, returns
from tests.integration.command import Reelworks
from tests.integration.gateway.finishing import REMOTE_ID, claim, complete, fail
from tests.support import NewCustomer, a_generation, an_order


@pytest.fixture
def generation_id(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    """A generation of the customer."""
    return a_generation(database, settings, customer, prompt="a prompt for nobody else")


def test_tree_of_a_failed_generation_tells_the_way_and_the_cause(
    reelworks: Reelworks, database: Database, settings: Settings, generation_id: UUID
) -> None:
    fail(database, settings, generation_id, ErrorCode.TIMEOUT, "not finished before its deadline")
    with database.transaction() as session:
        transitions.note(of(session), generation_id, EventName.CALLBACK_LATE, {"remote_id": "task-1"})
    shown = reelworks("inspect", str(generation_id))
    assert shown.status == 0
    for told in (
        "timeout: not finished before its deadline",
        "→ queued",
        "hold  amount=10",
        "→ failed",
        "release  amount=10",
        "callback_late  remote_id=task-1",
    ):
        assert told in shown.out
    assert "nobody else" not in shown.out
    assert reelworks("timeline", str(generation_id)) == shown


def test_tree_of_an_unfinished_generation_ends_with_its_present(
    reelworks: Reelworks, database: Database, settings: Settings, generation_id: UUID
) -> None:
    assert "now no claim; the next look is in " in reelworks("inspect", str(generation_id)).out
    with database.statement() as sql:
        sql.run("UPDATE generations SET wake_at = now() WHERE id = %(id)s", id=generation_id)
    assert "now due, and no worker has the claim" in reelworks("inspect", str(generation_id)).out
    claim(database, settings, generation_id)
    with database.statement() as sql:
        sql.run("UPDATE generations SET holder = 'provider@host' WHERE id = %(id)s", id=generation_id)
    assert "now provider@host has the claim for " in reelworks("inspect", str(generation_id)).out


def test_json_holds_the_same_facts_for_programs(
    reelworks: Reelworks, database: Database, settings: Settings, objects: ObjectStore, generation_id: UUID
) -> None:
    complete(database, settings, objects, generation_id, b"a picture")
    told = json.loads(reelworks("inspect", str(generation_id), "--json").out)
    assert (told["generation_id"], told["stage"], told["remote_id"]) == (str(generation_id), "completed", REMOTE_ID)
    assert (told["wake_at"], told["claim"], told["downloads"]) == (None, None, 0)
    names = [entry["name"] for entry in told["entries"]]
    assert names[:2] == ["moved", "hold"]
    assert sorted(names[-3:]) == ["capture", "moved", "stored"]


def test_generation_is_found_by_all_that_an_operator_has_at_hand(
    reelworks: Reelworks, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    request = GenerationRequest(model="nano-banana", prompt="a boat")
    with database.transaction() as session:
        accepted = acceptance.accept(
            of(session), customer.id, request, lambda *_: an_order(), settings.pipeline, idempotency_key="order-7"
        )
    wanted = str(accepted.generation.id)
    complete(database, settings, objects, UUID(wanted), b"a picture")
    a_generation(database, settings, customer)
    for given in (wanted, wanted[:8], wanted.upper()[:13], f"{wanted}.submit.1", REMOTE_ID):
        assert json.loads(reelworks("inspect", given, "--json").out)["generation_id"] == wanted
    by_key = reelworks("inspect", "order-7", "--customer", str(customer.id), "--json")
    assert json.loads(by_key.out)["generation_id"] == wanted


def test_text_with_several_meanings_lists_them(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    ids = {str(a_generation(database, settings, customer)) for _ in range(2)}
    with database.statement() as sql:
        sql.run("UPDATE generations SET remote_id = 'shared'")
    ended = reelworks("inspect", "shared")
    assert (ended.status, ended.out) == (2, "")
    assert ids == {line.split()[0] for line in ended.err.splitlines()[1:]}
    assert all(Stage.QUEUED in line for line in ended.err.splitlines()[1:])


@pytest.mark.parametrize("given", ["3e41a28d-5bf9-40ce-a038-dc975dda27ad", "unknown", "12", "%"])
def test_unknown_text_names_the_ways_to_find_a_generation(reelworks: Reelworks, given: str) -> None:
    ended = reelworks("inspect", given)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"there is no generation {given}: give an id or at least 6 of its first digits")


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (lookup._BY_ID, {"lowest": UUID(int=1), "highest": UUID(int=2), "most": 6}),
        (lookup._BY_REMOTE_ID, {"given": "x", "most": 6}),
        (lookup._BY_KEY, {"given": "x", "customer_id": UUID(int=1)}),
    ],
)
def test_each_way_to_a_generation_uses_an_index(
    database: Database, query: Query[lookup.Candidate], given: dict[str, object]
) -> None:
    with database.transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = of(session).all(returns(str)(f"EXPLAIN {query.text}"), **given)
    assert [line for line in plan if "Seq Scan on generations" in line] == []
