"""The Python client reads the stream of events in Redis."""

import json
from collections.abc import Iterator
from itertools import islice

import pytest
import redis

from reelworks_client.models import Notification
from reelworks_client.redis_door import EVENTS, RedisDoor
from schemas.settings import Settings
from tests.integration.clients.forms import ConnectDoor, awaiting_doors, blocking_doors

GROUP = "mailer"


@pytest.fixture
def broker(settings: Settings) -> Iterator[redis.Redis]:
    """Redis, empty."""
    with redis.Redis.from_url(settings.redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture(params=[blocking_doors, awaiting_doors], ids=["blocking", "awaiting"])
def connect(request: pytest.FixtureRequest, broker: redis.Redis) -> Iterator[ConnectDoor]:
    """Makes clients, in each form."""
    with request.param() as connect:
        yield connect


@pytest.fixture
def door(connect: ConnectDoor, settings: Settings) -> RedisDoor:
    """A client."""
    return connect(settings.redis_url)


def publish(broker: redis.Redis, *numbers: int) -> None:
    """Append events, as Reelworks does: the id of an entry is the id of its event."""
    for number in numbers:
        document = {
            "id": str(number),
            "type": "generation.moved",
            "version": 1,
            "created_at": "2026-11-29T12:00:00Z",
            "sequence": number,
            "data": {"generation_id": "g", "metadata": {"thread": "7"}},
        }
        broker.xadd(EVENTS, {"id": str(number), "event": json.dumps(document)}, id=f"{number}-0")


def ids(notifications: Iterator[Notification], count: int) -> list[int]:
    return [int(each.id) for each in islice(notifications, count)]


def test_group_hears_the_events_of_the_stream_once(door: RedisDoor, broker: redis.Redis) -> None:
    publish(broker, 1, 2)
    one, two = (door.notifications(GROUP, name) for name in ("one", "two"))
    first = next(one)
    assert (first.id, first.sequence, first.data["metadata"]) == ("1", 1, {"thread": "7"})
    assert ids(one, 1) == [2]
    publish(broker, 3)
    assert ids(two, 1) == [3]
    assert ids(door.notifications("another", "one"), 3) == [1, 2, 3]


def test_event_that_a_consumer_did_not_finish_comes_again(door: RedisDoor, broker: redis.Redis) -> None:
    publish(broker, 1, 2, 3)
    assert ids(door.notifications(GROUP, "one"), 2) == [1, 2]
    assert ids(door.notifications(GROUP, "one"), 2) == [2, 3]


def test_events_of_a_dead_consumer_go_to_another(door: RedisDoor, broker: redis.Redis) -> None:
    publish(broker, 1, 2)
    assert ids(door.notifications(GROUP, "dead"), 1) == [1]
    assert ids(door.notifications(GROUP, "heir", idle_after=0), 2) == [1, 2]


def test_stream_that_vanished_is_read_from_its_new_beginning(door: RedisDoor, broker: redis.Redis) -> None:
    publish(broker, 1, 2)
    notifications = door.notifications(GROUP, "one")
    assert ids(notifications, 2) == [1, 2]
    broker.flushdb()
    publish(broker, 1, 2, 3)
    assert ids(notifications, 1) == [3], "events that this consumer has handled do not come twice"
