"""The Python client at the Redis door."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis

from intake.orders import Intake
from intake.redis.serving import Server
from intake.redis.taking import Takers
from reelworks_client import InvalidRequest, NoAnswer, NotFound, Unauthenticated, Unavailable, WaitTimeout
from reelworks_client.redis_door import ANSWERS, RedisDoor
from schemas.door_settings import DoorSettings
from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage.database import Database
from tests.integration.clients.forms import ConnectDoor, awaiting_doors, blocking_doors
from tests.integration.gateway.finishing import fail
from tests.support import NewCustomer

MODEL = "nano-banana"

FORMS = [blocking_doors, awaiting_doors]

in_both_forms = pytest.mark.parametrize("connect", FORMS, indirect=True, ids=["blocking", "awaiting"])


@pytest.fixture
def connect(request: pytest.FixtureRequest) -> Iterator[ConnectDoor]:
    """Makes a client of the door."""
    with getattr(request, "param", blocking_doors)() as connect:
        yield connect


@contextmanager
def serving(intake: Intake, broker: Redis) -> Iterator[None]:
    """Serve the door in a thread."""
    over = Event()
    takers = Takers(broker, "door", 1)
    server = Server(intake, broker, takers, lambda *_, **__: None, over=over)
    thread = threading.Thread(target=server.work, args=(takers.names[0],))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def door(connect: ConnectDoor, intake: Intake, broker: Redis, settings: Settings) -> Iterator[RedisDoor]:
    """A client of a door that is served."""
    with serving(intake, broker):
        yield connect(settings.redis_url)


@in_both_forms
def test_order_is_made_once_and_followed(
    door: RedisDoor, customer: NewCustomer, database: Database, settings: Settings
) -> None:
    owner = str(customer.id)
    orders = [
        door.order(owner, "a lighthouse", model=MODEL, idempotency_key="one", metadata={"thread": "7"})
        for _ in range(2)
    ]
    assert [(each.id, each.is_new, each.status) for each in orders] == [
        (orders[0].id, True, "queued"),
        (orders[0].id, False, "queued"),
    ]
    assert door.generation(owner, orders[0].id).metadata == {"thread": "7"}
    with pytest.raises(WaitTimeout):
        door.wait(owner, orders[0].id, timeout=0)
    fail(database, settings, UUID(orders[0].id), ErrorCode.PROVIDER_FAILED, "the vendor failed")
    assert door.wait(owner, orders[0].id).status == "failed"


def test_batch_estimate_and_cancel(door: RedisDoor, customer: NewCustomer) -> None:
    owner = str(customer.id)
    assert door.estimate(owner, "a lighthouse", model=MODEL, number_of_outputs=2).credits == 8
    batch = door.order_batch(owner, prompts=["a lighthouse", "a boat"], request={"model": MODEL})
    assert len(batch.generations) == 2
    assert door.cancel(owner, batch.generations[1]).status == "cancelled"


def test_refusals_are_typed(door: RedisDoor, customer: NewCustomer) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        door.order(str(customer.id), "a lighthouse", model=MODEL, aspect_ratio="7:7")
    assert [problem.field for problem in invalid.value.errors] == ["aspect_ratio"]
    with pytest.raises(NotFound):
        door.generation(str(customer.id), str(uuid4()))


def test_door_that_requires_signatures_takes_those_of_the_key(
    connect: ConnectDoor, intake: Intake, broker: Redis, settings: Settings, customer: NewCustomer
) -> None:
    strict = intake.settings.model_copy(update={"door": DoorSettings(require_signatures=True)})
    with serving(replace(intake, settings=strict), broker):
        signed = connect(settings.redis_url, api_key=customer.api_key)
        assert signed.order(str(customer.id), "a lighthouse", model=MODEL).is_new
        for key in (None, customer.api_key[:-1] + "_"):
            with pytest.raises(Unauthenticated):
                connect(settings.redis_url, api_key=key).order(str(customer.id), "a lighthouse", model=MODEL)


def test_order_is_sent_again_while_the_door_is_overloaded(
    connect: ConnectDoor, intake: Intake, broker: Redis, settings: Settings, customer: NewCustomer
) -> None:
    def refuse_then_serve() -> None:
        _refuse_as_overloaded(broker, 0)
        with serving(intake, broker):
            ordered.wait()

    ordered = Event()
    served = threading.Thread(target=refuse_then_serve)
    served.start()
    assert connect(settings.redis_url).order(str(customer.id), "a lighthouse", model=MODEL).is_new
    ordered.set()
    served.join()


def test_overload_that_lasts_is_an_error(
    connect: ConnectDoor, broker: Redis, settings: Settings, customer: NewCustomer
) -> None:
    refused = threading.Thread(target=_refuse_as_overloaded, args=(broker, 30))
    refused.start()
    with pytest.raises(Unavailable) as overloaded:
        connect(settings.redis_url, retry_for=1).order(str(customer.id), "a lighthouse", model=MODEL)
    refused.join()
    assert (overloaded.value.code, overloaded.value.retry_after) == ("overloaded", 30)


def _refuse_as_overloaded(broker: Redis, retry_after: int) -> None:
    """Answer one message as a door does that has too many."""
    taken: Any = broker.brpop(["requests"])
    message_id = json.loads(taken[1])["id"]
    problem = {"status": 503, "code": "overloaded", "detail": "too many", "retry_after": retry_after}
    broker.lpush(ANSWERS + message_id, json.dumps({"id": message_id, "answer": {"error": problem}}))


def test_silent_door_is_an_error_that_names_the_key(
    connect: ConnectDoor, broker: Redis, settings: Settings, customer: NewCustomer
) -> None:
    door = connect(settings.redis_url, timeout=0.1)
    assert door.state() is None
    with pytest.raises(NoAnswer) as silent:
        door.order(str(customer.id), "a lighthouse", model=MODEL, idempotency_key="one")
    assert silent.value.idempotency_key == "one"
