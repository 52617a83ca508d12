"""`reelworks door dead`: the messages that the Redis door could not read."""

import json
from collections.abc import Iterator, Sequence

import pytest
from redis import Redis

from intake.redis import keys
from intake.redis.dead import DeadLetters
from intake.redis.taking import Takers
from schemas.settings import Settings
from tests.integration.command import Reelworks


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """The empty broker."""
    with Redis.from_url(settings.redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def ids(redis: Redis) -> Sequence[str]:
    """The ids of two dead messages, the older first. Of the newer one the beginning is kept."""
    takers = Takers(redis, "door", 1)
    for raw in ("no JSON", "x" * 100_000):
        redis.lpush("requests", raw)
        taken = takers.take(takers.names[0])
        assert taken is not None
        DeadLetters(redis).add(taken, "the message is no JSON object")
    newer, older = DeadLetters(redis).listed()
    return [older.id, newer.id]


def test_an_empty_list_says_so(reelworks: Reelworks, redis: Redis) -> None:
    assert redis.llen(keys.DEAD) == 0
    assert "kept: 0; given up in all: 0" in reelworks("door", "dead").out


def test_dead_messages_are_listed_with_their_reasons_and_without_their_text(
    reelworks: Reelworks, ids: Sequence[str]
) -> None:
    ended = reelworks("door", "dead")
    assert "the message is no JSON object" in ended.out
    assert "kept: 2; given up in all: 2" in ended.out
    assert "no JSON\n" not in ended.out
    listed = json.loads(reelworks("door", "dead", "--json").out)
    assert [(each["id"], each["size"], each["is_whole"]) for each in listed] == [
        (ids[1], 100_000, False),
        (ids[0], 7, True),
    ]


def test_a_dead_message_is_shown_put_back_and_dropped(reelworks: Reelworks, redis: Redis, ids: Sequence[str]) -> None:
    assert reelworks("door", "dead", "--show", ids[0]).out == "no JSON\n"
    assert "put back: 1" in reelworks("door", "dead", "--requeue", ids[0]).out
    assert redis.lrange("requests", 0, -1) == [b"no JSON"]
    assert "removed: 1" in reelworks("door", "dead", "--drop", "all").out
    assert redis.llen(keys.DEAD) == 0


@pytest.mark.parametrize("option", ["--show", "--requeue", "--drop"])
def test_an_unknown_message_is_an_error(reelworks: Reelworks, redis: Redis, option: str) -> None:
    ended = reelworks("door", "dead", option, "abc")
    assert ended.status == 2
    assert ended.err == "there is no dead message abc: `reelworks door dead` lists them\n"
    assert redis.llen("requests") == 0


def test_the_beginning_of_a_message_is_not_put_back(reelworks: Reelworks, redis: Redis, ids: Sequence[str]) -> None:
    ended = reelworks("door", "dead", "--requeue", ids[1])
    assert (ended.status, redis.llen(keys.DEAD)) == (2, 2)
    assert "only the beginning is kept" in ended.err
