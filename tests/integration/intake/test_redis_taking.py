"""Messages of the Redis door between `requests` and their answer: no death of a process loses one."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
from redis import Redis

from intake.redis import keys
from intake.redis.taking import Takers


def send(broker: Redis, *messages: str, priority: int = 0) -> None:
    for message in messages:
        broker.lpush(keys.of_priority("requests", priority), message)


def waiting(broker: Redis) -> Sequence[bytes]:
    """The messages of `requests`, the next to be taken first."""
    return list(reversed(broker.lrange("requests", 0, -1)))  # type: ignore[arg-type]


def take_each(takers: Takers) -> Sequence[bytes | None]:
    """Let each taker of a process take a message."""
    found = [takers.take(name) for name in takers.names]
    return [each.raw if each else None for each in found]


def die(broker: Redis, takers: Takers) -> None:
    """Kill a process: nothing shows any more that it lives."""
    broker.delete(*(keys.ALIVE + name for name in takers.names))


def test_the_oldest_message_of_the_best_priority_is_taken_first(broker: Redis) -> None:
    send(broker, "late", priority=9)
    send(broker, "third", priority=3)
    send(broker, "first", "second")
    assert take_each(Takers(broker, "door", 4)) == [b"first", b"second", b"third", b"late"]


@pytest.mark.parametrize("priority", keys.PRIORITIES)
def test_every_priority_is_read(broker: Redis, priority: int) -> None:
    send(broker, "a request", priority=priority)
    assert take_each(Takers(broker, "door", 1)) == [b"a request"]


@pytest.mark.parametrize("priority", keys.PRIORITIES)
def test_a_key_of_another_type_hides_no_list(broker: Redis, priority: int) -> None:
    broker.sadd(keys.of_priority("requests", priority), "x")
    others = [each for each in keys.PRIORITIES if each != priority]
    for each in others:
        send(broker, str(each), priority=each)
    takers = Takers(broker, "door", 10)
    assert take_each(takers) == [*(str(each).encode() for each in others), None]


def test_an_empty_queue_gives_nothing(broker: Redis) -> None:
    assert take_each(Takers(broker, "door", 1)) == [None]


def test_a_taker_has_one_message_until_it_is_answered(broker: Redis) -> None:
    send(broker, "first", "second")
    takers = Takers(broker, "door", 1)
    # The answer to the first call may be lost.
    assert [take_each(takers) for _ in range(2)] == [[b"first"], [b"first"]]
    broker.delete(keys.TAKEN + takers.names[0])
    assert take_each(takers) == [b"second"]


def test_the_messages_of_a_dead_process_go_back_in_order(broker: Redis) -> None:
    send(broker, "first", "second", "third", "fourth")
    dead, other = Takers(broker, "door", 3), Takers(broker, "door", 1)
    take_each(dead)
    assert (other.take_over(), waiting(broker)) == (0, [b"fourth"])
    die(broker, dead)
    assert (other.take_over(), waiting(broker)) == (3, [b"first", b"second", b"third", b"fourth"])
    assert other.take_over() == 0


def test_a_process_that_shows_that_it_lives_keeps_its_messages(broker: Redis) -> None:
    send(broker, "first")
    takers = Takers(broker, "door", 2)
    take_each(takers)
    die(broker, takers)
    takers.keep_alive()
    assert takers.take_over() == 0


def test_a_process_that_ends_returns_its_messages_in_order(broker: Redis) -> None:
    send(broker, "first", "second", "third")
    takers = Takers(broker, "door", 2)
    take_each(takers)
    assert (takers.hand_back(), waiting(broker)) == (2, [b"first", b"second", b"third"])
    (taken,) = [Takers(broker, "door", 1)]
    again = taken.take(taken.names[0])
    assert again is not None
    assert again.deaths == 0


def test_a_message_counts_the_processes_that_died_with_it(broker: Redis) -> None:
    send(broker, "a bad one")
    for deaths in range(3):
        takers = Takers(broker, "door", 1)
        taken = takers.take(takers.names[0])
        assert taken is not None
        assert taken.deaths == deaths
        die(broker, takers)
        takers.take_over()


def test_a_message_lets_others_pass(broker: Redis) -> None:
    send(broker, "first", "second")
    takers = Takers(broker, "door", 1)
    taken = takers.take(takers.names[0])
    assert taken is not None
    takers.put_last(taken)
    takers.put_last(taken)
    assert waiting(broker) == [b"second", b"first"]


def test_a_message_lets_others_of_its_priority_pass(broker: Redis) -> None:
    send(broker, "first", "second", priority=6)
    takers = Takers(broker, "door", 1)
    # The answer to the first call may be lost.
    taken = [takers.take(takers.names[0]) for _ in range(2)][1]
    assert taken is not None
    takers.put_last(taken)
    assert broker.lrange(keys.of_priority("requests", 6), 0, -1) == [b"first", b"second"]


def test_a_full_redis_is_emptied(broker: Redis) -> None:
    send(broker, "first", "second")
    takers = Takers(broker, "door", 1)
    broker.config_set("maxmemory", 1)
    try:
        assert take_each(takers) == [b"first"]
        broker.delete(keys.TAKEN + takers.names[0])
        taken = takers.take(takers.names[0])
        assert taken is not None
        takers.put_last(taken)
        assert take_each(takers) == [b"second"]
        takers.keep_alive()
        assert takers.hand_back() == 1
    finally:
        broker.config_set("maxmemory", 0)


def test_a_taker_whose_message_was_taken_over_takes_another(broker: Redis) -> None:
    send(broker, "first", str(uuid4()))
    stopped, other = Takers(broker, "door", 1), Takers(broker, "door", 1)
    take_each(stopped)
    die(broker, stopped)
    other.take_over()
    assert take_each(other) == [b"first"]
    assert take_each(stopped) != [b"first"]
