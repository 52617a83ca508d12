"""An object store that is away holds up only the orders with files, and those not for ever."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis
from structlog.testing import capture_logs

from intake.orders import Intake
from intake.redis import keys
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.intake.test_redis_serving import DoorUnderTest, a_door, a_plain_order, generations
from tests.media_files.images import png
from tests.support import NewCustomer, new_customer

PICTURE = f"data:image/png;base64,{base64.b64encode(png(400, 300)).decode()}"


def with_a_file(customer: NewCustomer) -> dict[str, Any]:
    request: Mapping[str, object] = {"model": "kling-2.6-image-to-video", "prompt": "fog", "image_urls": [PICTURE]}
    return {**a_plain_order(customer), "arguments": {"customer_id": str(customer.id), "request": request}}


@pytest.fixture
def without_store(intake: Intake, settings: Settings) -> Intake:
    """The intake, with an object store that refuses every file for good."""
    refusing = settings.s3.model_copy(update={"bucket": "no-such-bucket"})
    return replace(intake, objects=ObjectStore(refusing))


@pytest.fixture
def make_door(without_store: Intake, broker: Redis) -> Callable[[float], DoorUnderTest]:
    def make(store_seconds: float) -> DoorUnderTest:
        door = a_door(without_store, broker)
        object.__setattr__(door.server, "outlast_seconds", 60.0)
        object.__setattr__(door.server, "store_seconds", store_seconds)
        return door

    return make


def test_an_order_with_files_lets_others_pass_within_seconds(
    make_door: Callable[[float], DoorUnderTest], database: Database
) -> None:
    door = make_door(900.0)
    customer = new_customer(database, 1000)
    order, other = with_a_file(customer), a_plain_order(customer)
    door.broker.lpush("requests", json.dumps(order), json.dumps(other))
    began = time.monotonic()
    door.serve()
    assert time.monotonic() - began < 30
    door.serve()
    assert door.plain_answer(other)["is_new"]
    assert (door.left, door.broker.exists(keys.ANSWER + order["id"])) == (1, 0)


def test_an_order_that_outlasts_the_store_is_answered(
    make_door: Callable[[float], DoorUnderTest], database: Database, intake: Intake
) -> None:
    door = make_door(0.0)
    order = with_a_file(new_customer(database, 1000))
    with capture_logs() as logs:
        door.served(order)
        while door.left:
            door.serve()
    assert door.plain_answer(order)["error"]["code"] == "unavailable"
    assert "request_outlasted_store" in [each["event"] for each in logs]
    again = a_door(intake, door.broker)
    again.broker.lpush("requests", json.dumps(order))
    again.serve()
    assert (again.plain_answer(order)["is_new"], generations(database)) == (True, 1)
