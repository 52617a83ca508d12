"""`reelworks inspect`."""

import json
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from schemas.enums import ErrorCode, EventName, Stage
from schemas.orders import GenerationRequest
from schemas.settings import Settings
from schemas.timeline_api import OtherEntry
from schemas.variants import FilePart, VariantError, VariantOrigin
from storage import acceptance, callbacks, lookup, transitions
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import Query, Sql, of, returns
from storage.variants import claims as variant_claims
from storage.variants.claims import NewFile
from tests.integration.command import Reelworks
from tests.integration.gateway.finishing import REMOTE_ID, claim, complete, complete_with_variants, fail
from tests.support import NewCustomer, a_generation, a_share, an_order


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
    set_to(database, generation_id, "wake_at = now() + interval '1 hour'")
    assert "now no claim; the next look is in " in reelworks("inspect", str(generation_id)).out
    set_to(database, generation_id, "wake_at = now()")
    assert "now due, and no worker has the claim" in reelworks("inspect", str(generation_id)).out
    claim(database, settings, generation_id)
    set_to(database, generation_id, "holder = 'provider@host', lease_until = now() + interval '1 hour'")
    assert "now provider@host has the claim for " in reelworks("inspect", str(generation_id)).out


def set_to(database: Database, generation_id: UUID, assignment: str) -> None:
    """Change the row of a generation."""
    with database.statement() as sql:
        sql.run(f"UPDATE generations SET {assignment} WHERE id = %(id)s", id=generation_id)


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


def test_tree_and_json_tell_each_variant_with_its_worker_bytes_time_and_reason(
    reelworks: Reelworks, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    names = ("one", "two", "three", "four", "five")
    wanted: list[dict[str, object]] = [{"name": name, "width": 16} for name in names]
    generation_id = complete_with_variants(database, settings, objects, customer, b"a picture", *wanted)
    with database.statements() as sql:
        claimed = [variant_claims.claim(sql, lease_seconds=3600, holder="media@host") for _ in names[1:]]
        made, failed, held, put_back = (one for one in claimed if one)
        file = NewFile(FilePart.MEDIA, f"variants/{uuid4()}", "image/webp", 4711, "0" * 64, width=16, height=12)
        variant_claims.finish(sql, made, VariantOrigin.ENCODED, [file])
        variant_claims.fail(sql, failed, VariantError.NOT_POSSIBLE, "the result cannot be decoded")
        variant_claims.put_back(sql, put_back, seconds=3600, failed=True)
        sql.run("UPDATE variants SET claimed_at = finished_at - interval '7 s' WHERE id = %(id)s", id=made.id)
    (late,) = set(names) - {one.row.name for one in (made, failed, held, put_back)}
    shown = [line for line in reelworks("inspect", str(generation_id)).out.splitlines() if "  variant  " in line]
    assert len(shown) == len(names)
    for sentence, facts in (
        (f"{made.row.name} is ready", ("origin=encoded", "seconds=7.0", "size_bytes=4711", "content_type=image/webp")),
        (f"{failed.row.name} was not made: the result cannot be decoded", ("code=not_possible",)),
        (f"{held.row.name} is being made", ("worker=media@host", "claims=1")),
        (f"{put_back.row.name} waits for its next try", ("failures=1", "wake_at=")),
        (f"{late} waits for a worker", ("due_seconds=",)),
    ):
        (line,) = [line for line in shown if f"  variant  {sentence}, kind=copy, " in line]
        assert [each for each in facts if each not in line] == []
    told = json.loads(reelworks("inspect", str(generation_id), "--json").out)["entries"]
    details = {entry["details"]["name"]: entry["details"] for entry in told if entry["name"] == OtherEntry.VARIANT}
    assert {name: each["state"] for name, each in details.items()} == {
        made.row.name: "ready", failed.row.name: "failed", held.row.name: "pending",
        put_back.row.name: "pending", late: "pending",
    }  # fmt: skip
    assert (details[made.row.name]["size_bytes"], details[made.row.name]["seconds"]) == (4711, 7.0)


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


def test_generation_is_found_by_the_ids_of_what_belongs_to_it(
    reelworks: Reelworks, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    order = an_order().model_copy(update={"reference": "node-4711"})
    wanted = a_generation(database, settings, customer, order)
    complete(database, settings, objects, wanted, b"a picture")
    a_generation(database, settings, customer)
    share, delivery = a_share(database, wanted), uuid4()
    with database.statements() as sql:
        event = sql.all(returns(int)("SELECT max(id) FROM events WHERE generation_id = %(id)s"), id=wanted)[0]
        sql.run(
            "INSERT INTO webhook_endpoints (id, customer_id, url, types, secret, is_implicit) "
            "VALUES (%(endpoint)s, %(customer)s, 'https://shop.example', '{*}', 'whsec_1', false)",
            endpoint=UUID(int=7),
            customer=customer.id,
        )
        sql.run(
            "INSERT INTO webhook_deliveries (id, endpoint_id, customer_id, generation_id, type, state, data) "
            "VALUES (%(id)s, %(endpoint)s, %(customer)s, %(generation)s, 'ping', 'delivered', '{}')",
            id=delivery, endpoint=UUID(int=7), customer=customer.id, generation=wanted,
        )  # fmt: skip
    for given in ("node-4711", str(share), str(delivery), str(event)):
        found = reelworks("inspect", given, "--json")
        assert json.loads(found.out)["generation_id"] == str(wanted), (given, found.err)


def test_work_that_only_a_callback_named_is_found_by_the_vendors_id(
    reelworks: Reelworks, database: Database, generation_id: UUID
) -> None:
    with database.statements() as sql:
        callbacks.record(sql, "kie", generation_id, remote_id="task-of-a-lost-reply", body=b"{}", resend_after=10)
    told = json.loads(reelworks("inspect", "task-of-a-lost-reply", "--json").out)
    assert (told["generation_id"], told["remote_id"]) == (str(generation_id), None)


def test_batch_lists_its_generations(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    batch = uuid4()
    order = an_order().model_copy(update={"batch_id": batch})
    ids = {str(a_generation(database, settings, customer, order)) for _ in range(2)}
    ended = reelworks("inspect", str(batch))
    assert ids == {line.split()[0] for line in ended.err.splitlines()[1:]}


def test_tree_of_a_waiting_generation_tells_what_it_waits_for_and_what_operators_changed(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    for scope in ("provider", "customer"):
        name = "kie" if scope == "provider" else str(customer.id)
        with database.statements() as sql:
            pausing_change(sql, "pause", scope, name)
    generation_id = a_generation(database, settings, customer)
    with database.statements() as sql:
        pausing_change(sql, "resume", "customer", str(customer.id))
        pausing_change(sql, "pause", "model", "another-model")
        sql.run(
            "INSERT INTO route_changes (provider, vendor_model, state, reason, at) VALUES "
            "('kie', 'google/nano-banana', 'open', 'kie gave no answer', clock_timestamp()), "
            "('kie', 'another', 'open', 'another route', clock_timestamp())"
        )
        sql.run(
            "INSERT INTO admissions (generation_id, provider, pool, customer_id, model, vendor_model, place, held_by, "
            "lane, priority, may_use_reserve, charge, turn, flow, flow_turn) VALUES (%(id)s, 'kie', '', %(customer)s, "
            "'nano-banana', 'google/nano-banana', 'held', 'pause', 0, 5, false, 1, 0, '-', 0)",
            id=generation_id, customer=customer.id,
        )  # fmt: skip
    shown = reelworks("inspect", str(generation_id)).out
    assert "now waits for a place at kie for " in shown
    assert "held by pause" in shown
    changes = [line for line in shown.splitlines() if " change " in line]
    assert [("pause" in line, "resume" in line) for line in changes] == [(True, False), (True, False), (False, True)]
    assert "reason=maintenance" in changes[0]
    assert "another-model" not in shown
    (breaker,) = [line for line in shown.splitlines() if " breaker " in line]
    assert "reason=kie gave no answer" in breaker


def pausing_change(sql: Sql, action: str, scope: str, name: str) -> None:
    """Record what an operator changed, as `storage.admission_control` does."""
    sql.run(
        "INSERT INTO admission_changes (id, author, action, scope, name, reason) "
        "VALUES (gen_random_uuid(), 'ops', %(action)s, %(scope)s, %(name)s, 'maintenance')",
        action=action, scope=scope, name=name,
    )  # fmt: skip


def test_error_of_a_deadline_names_the_last_failed_try_for_operators(
    reelworks: Reelworks, database: Database, settings: Settings, generation_id: UUID
) -> None:
    with database.statements() as sql:
        transitions.note_trouble(sql, generation_id, "kie gave no answer to submit (ConnectError)", {"worker": "w"})
    fail(database, settings, generation_id, ErrorCode.TIMEOUT, "not finished before its deadline; the last try failed")
    shown = reelworks("inspect", str(generation_id)).out
    assert "the last try failed (the last failed try: kie gave no answer to submit (ConnectError))" in shown


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
        (lookup._BY_CALLBACK, {"given": "x", "most": 6}),
        (lookup._BY_REFERENCE, {"given": "x", "most": 6}),
        (lookup._BY_OTHER_ID, {"given": UUID(int=1), "most": 6}),
        (lookup._BY_EVENT, {"given": 1}),
    ],
)
def test_each_way_to_a_generation_uses_an_index(
    database: Database, query: Query[lookup.Candidate], given: dict[str, object]
) -> None:
    with database.transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = of(session).all(returns(str)(f"EXPLAIN {query.text}"), **given)
    assert [line for line in plan if "Seq Scan on" in line] == []
