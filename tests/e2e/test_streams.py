"""Twenty subscribers follow five generations through the whole system."""

import redis

from bench.load.followers import Followers
from bench.scenarios.streams import missed
from tests.e2e.conftest import System
from tests.support import eventually


def test_every_subscriber_sees_every_event_while_redis_is_emptied_and_connections_are_cut(system: System) -> None:
    customer, word = system.customer(), system.behave(seconds=3600)
    generations = [system.submit(customer, word).json()["id"] for _ in range(5)]
    with Followers(system.stack.gateway_url, customer.headers, generations * 4) as followers:
        with redis.Redis.from_url(system.stack.settings.redis_url) as queues:
            queues.flushdb()
        followers.reconnect()
        # Every second connection was cut, and all generations go on: a follower connects again to see the end.
        eventually(lambda: len(system.sandbox.tasks(word)), lambda count: count == 5)
        system.sandbox.finish(word)
        seen = followers.results(seconds=300)
    assert missed(system.database, seen) == []
    assert {each.last_stage for each in seen} == {"completed"}
    # Each connects at the begin and for the 204, and each second one after the cut.
    assert sum(each.connections for each in seen) >= 20 + 20 + 10
