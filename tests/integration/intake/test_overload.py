"""Beyond a depth of the queue, the Redis door refuses new orders, and tells clients before they send."""

import json
from uuid import uuid4

import redis

from intake.orders import Intake
from intake.redis import keys
from intake.redis.overload import STATE_KEY, STATE_SECONDS, Gauge, Load
from intake.redis.request import Operation
from schemas.door_settings import DoorSettings
from tests.integration.intake.raw_messages import Wire, served
from tests.integration.intake.test_redis_serving import a_door, a_plain_order
from tests.support import NewCustomer, own_logs

REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog"}
SETTINGS = DoorSettings(most_waiting=2, retry_after_seconds=7)
OVER = Load(3, SETTINGS)


def test_new_orders_are_refused_with_the_time_to_wait(intake: Intake, customer: NewCustomer, wire: Wire) -> None:
    arguments = {"customer_id": str(customer.id), "request": REQUEST}
    answers = [
        served(intake, arguments, operation=Operation.ENQUEUE, wire=wire, load=OVER),
        served(
            intake, arguments | {"request": {"requests": [REQUEST]}}, operation=Operation.ENQUEUE_BATCH, wire=wire,
            load=OVER,
        ),
    ]  # fmt: skip

    for answer in answers:
        error = answer["error"]
        assert (error["status"], error["code"], error["retry_after"]) == (503, "overloaded", 7)
        assert error["detail"].startswith("3 requests wait at this door, and it takes orders while up to 2 wait")
    assert served(intake, arguments, wire=wire, load=Load(2, SETTINGS))["is_new"]


def test_order_that_was_accepted_before_is_answered(intake: Intake, customer: NewCustomer, wire: Wire) -> None:
    arguments = {"customer_id": str(customer.id), "request": REQUEST}
    first = served(intake, arguments, message_id=f"again-{wire}", wire=wire)
    again = served(intake, arguments, message_id=f"again-{wire}", wire=wire, load=OVER)
    assert again == {**first, "is_new": False}


def test_other_operations_are_served(intake: Intake, customer: NewCustomer, wire: Wire) -> None:
    made = served(intake, {"customer_id": str(customer.id), "request": REQUEST})["id"]
    arguments = {"customer_id": str(customer.id), "generation_id": made}
    for operation in (Operation.GET, Operation.CANCEL):
        assert served(intake, arguments, operation=operation, wire=wire, load=OVER)["id"] == made


def test_key_tells_clients_the_depth_of_all_lists(broker: redis.Redis) -> None:
    gauge = Gauge(broker, SETTINGS)
    broker.lpush("requests", "1", "2")
    gauge.measure()
    is_over, told = gauge.load.is_over, json.loads(broker.get(STATE_KEY) or "")
    broker.lpush("requests\x06\x163", "3")
    gauge.measure()
    told_full = json.loads(broker.get(STATE_KEY) or "")

    assert (is_over, gauge.load.is_over) == (False, True)
    usual = {"most": 2, "requires_signatures": False}
    assert told == {"state": "open", "depth": 2, "retry_after": None, **usual}
    assert told_full == {"state": "overloaded", "depth": 3, "retry_after": 7, **usual}
    assert 0 < broker.ttl(STATE_KEY) <= STATE_SECONDS


def test_a_key_of_another_type_is_logged_once_and_counts_nothing(intake: Intake, broker: redis.Redis) -> None:
    broker.sadd("requests", "x")
    broker.lpush(keys.of_priority("requests", 3), "a request")
    gauge = Gauge(broker, intake.settings.door)
    with own_logs() as logs:
        gauge.measure()
        gauge.measure()
    assert (gauge.load.waiting, [each["event"] for each in logs]) == (1, ["requests_are_no_list"])


def test_clients_are_told_the_state_of_a_full_redis(intake: Intake, broker: redis.Redis) -> None:
    gauge = Gauge(broker, intake.settings.door)
    broker.config_set("maxmemory", 1)
    try:
        gauge.measure()
    finally:
        broker.config_set("maxmemory", 0)
    assert broker.exists(STATE_KEY)


def test_unknown_customer_is_not_told_from_a_known_one_while_the_door_is_full(intake: Intake, wire: Wire) -> None:
    arguments = {"customer_id": str(uuid4()), "request": REQUEST}
    assert served(intake, arguments, wire=wire, load=OVER)["error"]["code"] == "overloaded"


def test_door_refuses_orders_by_its_last_measure(intake: Intake, broker: redis.Redis, customer: NewCustomer) -> None:
    door = a_door(intake, broker)
    door.server.gauge.load = OVER
    order = a_plain_order(customer, reply_to={"list": "reelworks:answers:mine"})
    door.served(order)
    door.server.gauge.measure()
    door.served(order)

    told = [json.loads(raw)["answer"] for raw in broker.lrange("reelworks:answers:mine", 0, -1)]
    assert (told[1]["error"]["code"], told[0]["is_new"]) == ("overloaded", True)
