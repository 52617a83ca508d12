"""The Redis door serves a message once, however often a process dies, and says where it went."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from celery import Celery
from celery.exceptions import TaskRevokedError
from redis import Redis
from sqlalchemy import text
from structlog.testing import capture_logs

from drills.hostile.messages import message
from intake.orders import Intake
from intake.redis import envelopes, keys
from intake.redis.answers import Answer
from intake.redis.operations import perform
from intake.redis.serving import Server
from intake.redis.taking import Takers
from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage import ledger
from storage.database import Database
from tests.integration.gateway.finishing import fail
from tests.support import NewCustomer, eventually, new_customer, own_logs

LONG_AGO = "2020-01-01T00:00:00+00:00"
REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog"}


@dataclass
class DoorUnderTest:
    """A door with one taker, whose process lives in the test."""

    server: Server
    broker: Redis
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def serve(self) -> None:
        """Take one message and serve it."""
        taken = self.server.takers.take(self.server.takers.names[0])
        assert taken is not None
        self.server.serve(taken)

    def served(self, order: object) -> None:
        """Send a message and serve it."""
        self.broker.lpush("requests", order if isinstance(order, bytes) else json.dumps(order))
        self.serve()

    def answer(self, order: Mapping[str, Any]) -> Any:
        """The document in Celery's result backend for a message."""
        raw: Any = self.broker.get(f"celery-task-meta-{order['headers']['id']}")
        return json.loads(raw) if raw else None

    def plain_answer(self, order: Mapping[str, Any]) -> Any:
        """The kept answer to a message."""
        raw: Any = self.broker.get(keys.ANSWER + order["id"])
        return json.loads(raw)["answer"]

    @property
    def left(self) -> int:
        """The messages that wait or are with the taker."""
        return int(self.broker.llen("requests")) + int(self.broker.llen(keys.TAKEN + self.server.takers.names[0]))


@pytest.fixture
def door(intake: Intake, broker: Redis, database: Database) -> DoorUnderTest:
    return a_door(intake, broker)


def a_door(intake: Intake, broker: Redis) -> DoorUnderTest:
    events: list[tuple[str, Mapping[str, Any]]] = []
    server = Server(
        intake,
        broker,
        Takers(broker, "door", 1),
        lambda kind, **fields: events.append((kind, fields)),
        over=Event(),
        outlast_seconds=0.01,
    )
    return DoorUnderTest(server, broker, events)


def an_order(customer: NewCustomer, request: Mapping[str, object] = REQUEST, **headers: object) -> dict[str, Any]:
    whole = message([[], {"customer_id": str(customer.id), "request": request}, {}])
    return {**whole, "headers": {**whole["headers"], **headers}}


def a_plain_order(customer: NewCustomer, **fields: object) -> dict[str, Any]:
    arguments = {"customer_id": str(customer.id), "request": REQUEST}
    return {"operation": "generation.enqueue", "id": str(uuid4()), "arguments": arguments, **fields}


def generations(database: Database) -> int:
    with database.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM generations")).scalar_one())


def test_an_order_is_answered_and_leaves_redis(door: DoorUnderTest, database: Database) -> None:
    order = an_order(new_customer(database, 100))
    heard: Any = door.broker.pubsub()  # type: ignore[no-untyped-call]
    heard.subscribe(f"celery-task-meta-{order['headers']['id']}")
    door.served(order)
    answer = door.answer(order)
    assert (answer["status"], answer["task_id"]) == ("SUCCESS", order["headers"]["id"])
    assert (answer["result"]["status"], answer["result"]["is_new"]) == ("queued", True)
    assert (door.left, generations(database)) == (0, 1)
    assert 3500 < door.broker.ttl(f"celery-task-meta-{order['headers']['id']}") <= 3600
    published = [each["data"] for each in iter(lambda: heard.get_message(timeout=1), None) if each["type"] == "message"]
    assert [json.loads(each) for each in published] == [answer]


def test_a_second_delivery_repeats_the_answer(door: DoorUnderTest, database: Database) -> None:
    order = an_order(new_customer(database, 100))
    door.served(order)
    first = door.answer(order)["result"]
    door.broker.delete(f"celery-task-meta-{order['headers']['id']}")
    door.served(order)
    assert door.answer(order)["result"] == first
    assert (first["is_new"], generations(database)) == (True, 1)


def test_a_second_delivery_repeats_the_state_of_a_generation(
    door: DoorUnderTest, database: Database, settings: Settings
) -> None:
    customer = new_customer(database, 100)
    order = a_plain_order(customer)
    door.served(order)
    generation_id = door.plain_answer(order)["id"]
    look = a_plain_order(customer, operation="generation.get")
    look["arguments"] = {"customer_id": str(customer.id), "generation_id": generation_id}
    door.served(look)
    fail(database, settings, UUID(generation_id), ErrorCode.PROVIDER_FAILED, "the vendor failed")
    door.served(look)
    assert door.plain_answer(look)["status"] == "queued"
    with own_logs() as logs:
        door.served({**look, "id": "another"})
    assert [each["event"] for each in logs] == ["request_served"], "a failed generation is no refusal"


def test_an_order_that_was_made_and_not_answered_is_made_once(door: DoorUnderTest, database: Database) -> None:
    order = an_order(new_customer(database, 100))
    made = perform(door.server.intake, envelopes.read(json.dumps(order).encode()))
    door.served(order)
    answer = door.answer(order)["result"]
    assert (answer["id"], answer["is_new"], generations(database)) == (made["id"], False, 1)


def test_another_request_with_the_same_id_gets_no_answer_of_the_first(door: DoorUnderTest, database: Database) -> None:
    customer = new_customer(database, 100)
    first = an_order(customer)
    other = an_order(customer, {**REQUEST, "prompt": "a boat"}, id=first["headers"]["id"])
    door.served(first)
    answer = door.answer(first)
    door.served(other)
    assert (door.answer(first), answer["result"]["is_new"]) == (answer, True)
    plain = a_plain_order(customer, id=first["headers"]["id"], reply_to={"list": "reelworks:answers:mine"})
    plain["arguments"]["request"] = {**REQUEST, "prompt": "a boat"}
    door.served(plain)
    (told,) = door.broker.lrange("reelworks:answers:mine", 0, -1)
    assert json.loads(told)["answer"]["error"]["code"] == "idempotency_mismatch"


REFUSED = [{"operation": "generation.destroy"}, {"eta": "tomorrow"}, {"expires": "2020-01-01T00:00:00Z"}]


@pytest.mark.parametrize("fields", REFUSED)
def test_no_message_replaces_the_answer_to_another(
    door: DoorUnderTest, database: Database, fields: dict[str, str]
) -> None:
    order = a_plain_order(new_customer(database, 100))
    door.served(order)
    answer = door.plain_answer(order)
    with capture_logs() as logs:
        door.served({**a_plain_order(new_customer(database, 100)), **fields, "id": order["id"]})
    assert (door.plain_answer(order), answer["is_new"], door.left) == (answer, True, 0)
    assert "message_id_repeated" in [each["event"] for each in logs]
    door.served(order)
    assert door.plain_answer(order) == answer


@pytest.mark.parametrize("headers", [{"task": "generation.destroy"}, {"eta": "2030-01-01T00:00:00Z"}])
def test_no_message_of_celery_replaces_the_answer_to_another(
    door: DoorUnderTest, database: Database, headers: dict[str, str]
) -> None:
    order = an_order(new_customer(database, 100))
    door.served(order)
    answer = door.answer(order)
    heard: Any = door.broker.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    heard.subscribe(f"celery-task-meta-{order['headers']['id']}")
    door.served({**order, "headers": {**order["headers"], **headers}})
    assert door.answer(order) == answer
    assert [heard.get_message(timeout=0.2) for _ in range(2)] == [None, None]


def test_an_answer_to_a_secret_list_is_in_no_key_that_senders_read(door: DoorUnderTest, database: Database) -> None:
    order = a_plain_order(new_customer(database, 100), reply_to={"list": "reelworks:answers:secret"})
    door.served(order)
    assert not door.broker.exists(keys.ANSWER + order["id"])
    assert 3500 < door.broker.ttl(keys.ANSWERED + order["id"]) <= 3600


def test_a_refused_order_is_served_when_its_reason_is_gone(door: DoorUnderTest, database: Database) -> None:
    customer = new_customer(database, 1)
    order = an_order(customer)
    door.served(order)
    assert door.answer(order)["result"]["error"]["code"] == "insufficient_credits"
    with database.transaction() as session:
        ledger.grant(session, customer.id, 100, reference="more")
    door.served(order)
    assert door.answer(order)["result"]["is_new"]


def test_a_sender_that_wants_no_answer_gets_none(door: DoorUnderTest, database: Database) -> None:
    order = an_order(new_customer(database, 100), ignore_result=True)
    door.served(order)
    assert (door.answer(order), door.left, generations(database)) == (None, 0, 1)
    assert not door.broker.exists(keys.ANSWERED + order["headers"]["id"])


def test_an_order_that_comes_too_late_is_not_made(door: DoorUnderTest, database: Database, settings: Settings) -> None:
    order = an_order(new_customer(database, 100), expires=(datetime.now(UTC) - timedelta(seconds=1)).isoformat())
    door.served(order)
    assert (door.left, generations(database)) == (0, 0)
    client = Celery(broker=settings.redis_url, backend=settings.redis_url, set_as_current=False)
    with client, pytest.raises(TaskRevokedError, match="expired"):
        client.AsyncResult(order["headers"]["id"]).get(timeout=60)
    assert [kind for kind, _ in door.events] == ["task-received", "task-revoked"]


def test_an_order_that_was_made_in_time_is_answered_after_its_end(door: DoorUnderTest, database: Database) -> None:
    expires = datetime.now(UTC) + timedelta(minutes=5)
    order = an_order(new_customer(database, 100), expires=expires.isoformat())
    made = perform(door.server.intake, envelopes.read(json.dumps(order).encode()))
    assert made["is_new"]
    late = {**order, "headers": {**order["headers"], "expires": LONG_AGO}}
    # The first process has died.
    door.served(late)
    assert door.answer(order)["result"]["id"] == made["id"]


def test_an_order_that_waited_too_long_for_the_database_is_not_made(
    intake: Intake, broker: Redis, database: Database, make_waiting: Callable[[Intake], Intake]
) -> None:
    door = a_door(make_waiting(intake), broker)
    expires = datetime.now(UTC) + timedelta(seconds=0.3)
    order = a_plain_order(new_customer(database, 100), expires=expires.isoformat())
    door.served(order)
    assert (door.left, broker.exists(keys.ANSWER + order["id"])) == (1, 0)
    eventually(lambda: datetime.now(UTC), lambda now: now >= expires)
    again = a_door(intake, broker)
    again.serve()
    assert (again.plain_answer(order)["error"]["code"], generations(database)) == ("expired", 0)


@pytest.mark.parametrize("operation", ["generation.get", "generation.cancel", "generation.estimate"])
def test_other_requests_that_come_too_late_are_not_served(
    door: DoorUnderTest, database: Database, operation: str
) -> None:
    request = a_plain_order(new_customer(database, 100), operation=operation, expires=LONG_AGO)
    door.served(request)
    assert door.plain_answer(request)["error"]["code"] == "expired"


def test_a_plain_order_is_answered_in_a_list(door: DoorUnderTest, database: Database) -> None:
    order = a_plain_order(new_customer(database, 100), reply_to={"list": "reelworks:answers:mine"})
    door.served(order)
    (raw,) = door.broker.lrange("reelworks:answers:mine", 0, -1)
    answer = json.loads(raw)
    assert (answer["id"], answer["answer"]["status"]) == (order["id"], "queued")
    assert 3500 < door.broker.ttl("reelworks:answers:mine") <= 3600


def test_a_plain_order_is_answered_in_a_stream(door: DoorUnderTest, database: Database) -> None:
    order = a_plain_order(new_customer(database, 100), reply_to={"stream": "reelworks:answers:mine"})
    door.served(order)
    entries: Any = door.broker.xrange("reelworks:answers:mine")
    ((_, fields),) = entries
    assert json.loads(fields[b"answer"])["id"] == order["id"]


def test_an_answer_without_a_place_is_known_to_the_next_message(door: DoorUnderTest, database: Database) -> None:
    door.broker.set("reelworks:answers:mine", "no list")
    order = a_plain_order(new_customer(database, 100), reply_to={"list": "reelworks:answers:mine"})
    door.served(order)
    assert (door.left, door.broker.get("reelworks:answers:mine")) == (0, b"no list")
    door.served({**order, "reply_to": {"list": "reelworks:answers:other"}})
    (told,) = door.broker.lrange("reelworks:answers:other", 0, -1)
    assert json.loads(told)["answer"]["is_new"]


def test_a_list_gets_an_answer_once(door: DoorUnderTest, database: Database) -> None:
    order = a_plain_order(new_customer(database, 100), reply_to={"list": "reelworks:answers:mine"})
    door.broker.lpush("requests", json.dumps(order))
    taken = door.server.takers.take(door.server.takers.names[0])
    assert taken is not None
    door.server.serve(taken)
    # The confirmation was lost, or another process took the message over meanwhile.
    request = envelopes.read(taken.raw)
    door.server.answers.give(taken, Answer(request.id, request.reply, {"id": "1"}, request.digest))
    assert door.broker.llen("reelworks:answers:mine") == 1


@pytest.mark.parametrize("kind", ["list", "stream"])
@pytest.mark.parametrize("is_refused", [False, True])
def test_a_taker_that_wakes_up_writes_no_second_answer(
    intake: Intake, broker: Redis, database: Database, kind: str, is_refused: bool
) -> None:
    stopped, other = a_door(intake, broker), a_door(intake, broker)
    order = a_plain_order(new_customer(database, 1 if is_refused else 100), reply_to={kind: "reelworks:answers:mine"})
    broker.lpush("requests", json.dumps(order))
    taken = stopped.server.takers.take(stopped.server.takers.names[0])
    assert taken is not None
    broker.delete(keys.ALIVE + taken.taker)
    other.server.takers.take_over()
    again = other.server.takers.take(other.server.takers.names[0])
    assert again is not None
    stopped.server.serve(taken)
    assert not broker.exists("reelworks:answers:mine")
    other.server.serve(again)
    stopped.server.serve(taken)
    told: Any = broker.llen("reelworks:answers:mine") if kind == "list" else broker.xlen("reelworks:answers:mine")
    assert (told, other.left, generations(database)) == (1, 0, 0 if is_refused else 1)


def test_an_answer_is_not_lost_with_the_data_of_redis(door: DoorUnderTest, database: Database) -> None:
    order = a_plain_order(new_customer(database, 100), reply_to={"list": "reelworks:answers:mine"})
    door.broker.lpush("requests", json.dumps(order))
    taken = door.server.takers.take(door.server.takers.names[0])
    assert taken is not None
    door.broker.flushdb()
    for _ in range(2):
        door.server.serve(taken)
    assert door.broker.llen("reelworks:answers:mine") == 1


def test_flower_sees_an_order_without_its_text(door: DoorUnderTest, database: Database) -> None:
    order = an_order(new_customer(database, 100))
    door.served(order)
    assert [kind for kind, _ in door.events] == ["task-received", "task-started", "task-succeeded"]
    received, _, succeeded = (fields for _, fields in door.events)
    assert {fields["uuid"] for _, fields in door.events} == {order["headers"]["id"]}
    assert (received["name"], received["args"], received["kwargs"]) == ("generation.enqueue", "(hidden)", "(hidden)")
    assert succeeded["runtime"] > 0
    assert "lighthouse" not in str(door.events)


def test_flower_sees_of_a_refusal_the_code_alone(door: DoorUnderTest, database: Database) -> None:
    door.served(an_order(new_customer(database, 100), {**REQUEST, "model": "a-text-in-the-wrong-field"}))
    (result,) = [fields["result"] for kind, fields in door.events if kind == "task-succeeded"]
    assert result == repr({"error": "invalid_request"})
    assert "wrong-field" not in str(door.events)


def test_lines_of_a_request_name_it_and_hide_its_texts(door: DoorUnderTest, database: Database) -> None:
    order = an_order(new_customer(database, 100))
    with own_logs([structlog.contextvars.merge_contextvars]) as lines:
        door.served(order)
        structlog.get_logger().info("after")
    *of_request, after = lines
    assert {line["event"] for line in of_request} == {"generation_accepted", "request_served"}
    assert {line["request_id"] for line in of_request} == {order["headers"]["id"]}
    assert all("lighthouse" not in line["_texts"].removed(REQUEST["prompt"]) for line in of_request)
    assert after.keys() == {"event", "log_level"}


def test_a_mistake_of_ours_is_answered(intake: Intake, broker: Redis, database: Database) -> None:
    broken: Any = None
    door = a_door(replace(intake, catalogue=broken), broker)
    order = an_order(new_customer(database, 100))
    door.served(order)
    assert (door.answer(order)["result"]["error"]["code"], door.left) == ("internal", 0)
    assert door.events[-1][0] == "task-failed"


@pytest.mark.parametrize("is_over", [False, True])
def test_an_order_waits_for_the_database(
    intake: Intake, broker: Redis, database: Database, make_waiting: Callable[[Intake], Intake], is_over: bool
) -> None:
    door = a_door(make_waiting(intake), broker)
    order = an_order(new_customer(database, 100))
    if is_over:
        door.server.over.set()
    door.served(order)
    assert (door.answer(order), door.left) == (None, 1)
    assert broker.llen("requests") == (0 if is_over else 1)
    assert door.server.takers.hand_back() == (1 if is_over else 0)
    again = a_door(intake, broker)
    again.serve()
    assert again.answer(order)["result"]["is_new"]


@pytest.fixture
def make_waiting(settings: Settings) -> Callable[[Intake], Intake]:
    """The intake, with a database that does not answer."""
    away = settings.database_url.rpartition("@")[0] + "@127.0.0.1:1/reelworks"
    return lambda intake: replace(intake, database=Database(away))


@pytest.mark.parametrize("raw", [b"no JSON", b"\xff\xfe", b"", json.dumps(message(headers={})).encode()])
def test_a_message_that_cannot_be_read_is_kept_with_its_reason(door: DoorUnderTest, raw: bytes) -> None:
    door.served(raw)
    (dead,) = door.server.dead.listed()
    assert (door.left, door.server.dead.count(), dead.size, dead.is_whole) == (0, 1, len(raw), True)
    assert dead.reason
    assert datetime.now(UTC) - dead.at < timedelta(minutes=1)
    assert door.server.dead.message(dead.id) == raw


def test_a_dead_message_is_put_back_or_dropped(door: DoorUnderTest) -> None:
    for raw in (b"first", b"second", b"third"):
        door.served(raw)
    third, second, first = door.server.dead.listed()
    assert door.server.dead.put_back([first.id, "unknown"]) == 1
    assert door.broker.lrange("requests", 0, -1) == [b"first"]
    assert door.server.dead.drop([second.id]) == 1
    assert door.server.dead.listed() == [third]
    assert door.server.dead.put_back() == 1
    assert door.broker.lrange("requests", 0, -1) == [b"third", b"first"]


def test_of_a_large_dead_message_the_beginning_is_kept(door: DoorUnderTest) -> None:
    door.served(b"x" * 100_000)
    (dead,) = door.server.dead.listed()
    assert (dead.size, dead.is_whole) == (100_000, False)
    assert door.server.dead.put_back() == 0
    assert door.server.dead.message(dead.id) == b"x" * 1024
    assert door.server.dead.drop() == 1


def test_a_message_that_kills_processes_is_given_up(door: DoorUnderTest) -> None:
    door.broker.lpush("requests", "poison")
    for _ in range(20):
        other = Takers(door.broker, "door", 1)
        other.take(other.names[0])
        door.broker.delete(keys.ALIVE + other.names[0])
        door.server.takers.take_over()
    door.serve()
    (dead,) = door.server.dead.listed()
    assert "20 processes died" in dead.reason
    # The cause is mended.
    assert door.server.dead.put_back() == 1
    taken = door.server.takers.take(door.server.takers.names[0])
    assert taken is not None
    assert taken.deaths == 0


@pytest.mark.parametrize("fields", [{}, {"operation": "generation.destroy"}])
def test_the_sender_of_a_dead_message_is_told(door: DoorUnderTest, database: Database, fields: dict[str, str]) -> None:
    order = {**a_plain_order(new_customer(database, 100), reply_to={"list": "reelworks:answers:mine"}), **fields}
    door.broker.lpush("requests", json.dumps(order))
    taken = door.server.takers.take(door.server.takers.names[0])
    assert taken is not None
    for _ in range(2):
        door.server.serve(replace(taken, deaths=20))
    (told,) = door.broker.lrange("reelworks:answers:mine", 0, -1)
    assert json.loads(told)["answer"]["error"]["code"] == "internal"
    assert (door.server.dead.count(), door.left, generations(database)) == (1, 0, 0)


@pytest.mark.parametrize(("reply_to", "seconds"), [({"list": "reelworks:answers:mine"}, 60), (None, 3600)])
def test_what_a_read_has_found_is_soon_forgotten(
    door: DoorUnderTest, database: Database, reply_to: dict[str, str] | None, seconds: int
) -> None:
    request = a_plain_order(new_customer(database, 100), operation="generation.estimate", reply_to=reply_to)
    door.served(request)
    assert seconds - 30 < door.broker.ttl(keys.ANSWERED + request["id"]) <= seconds
