from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from redis import Redis

from drills.chaos.network.proxy import Link, Proxy
from schemas.enums import Queue, Stage
from storage.generations import Wake
from storage.runs_to_stop import StopWake
from tasks.services import Dispatcher, WorkerServices
from tasks.wake import wake, wake_on
from tests.integration.tasks.conftest import Lives
from tests.support import own_logs
from workers import dispatch as workers_dispatch
from workers.app import create_app


def queued(worker: WorkerServices, queue: Queue) -> int:
    with Redis.from_url(worker.settings.redis_url) as redis:
        return int(redis.llen(queue.value))


def test_due_generation_is_woken_once_until_the_resend(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin()
    wake(worker)
    assert queued(worker, Queue.SUBMIT) == 0, "not due yet: its first message went out with the insert"
    life.set("wake_at = clock_timestamp()")
    wake(worker)
    wake(worker)
    assert queued(worker, Queue.SUBMIT) == 1


def test_rows_stay_due_while_their_queue_is_full(lives: Lives, worker: WorkerServices) -> None:
    target = worker.settings.pipeline.queue_target
    made = [lives.begin() for _ in range(3)]
    with Redis.from_url(worker.settings.redis_url) as redis:
        redis.lpush(Queue.SUBMIT.value, *["{}"] * (target - 1))
        for life in made:
            life.set("wake_at = clock_timestamp()")
        wake(worker)
        wake(worker)
        assert queued(worker, Queue.SUBMIT) == target
        redis.delete(Queue.SUBMIT.value)
    wake(worker)
    assert queued(worker, Queue.SUBMIT) == 2


@pytest.mark.parametrize("queue", [Queue.SUBMIT, Queue.DOWNLOAD])
def test_waker_tops_up_a_queue_that_empties(lives: Lives, worker: WorkerServices, queue: Queue) -> None:
    made = [lives.begin() for _ in range(5)]
    for life in made:
        if queue is Queue.DOWNLOAD:
            life.step()
            life.set("callback_at = clock_timestamp()")
        life.set("wake_at = clock_timestamp()")
    pipeline = worker.settings.pipeline.model_copy(update={"queue_target": 2})
    short = workers_dispatch.Dispatcher(create_app(worker.settings, process="worker"), pipeline, worker.database)
    with Redis.from_url(worker.settings.redis_url) as redis, ThreadPoolExecutor(1) as consumer:
        redis.delete(queue.value)
        taken = consumer.submit(lambda: [redis.brpop([queue.value], timeout=300) for _ in made])
        # It ends by itself when no more is due: the limit is for a test that cannot succeed.
        wake_on(replace(worker, dispatcher=short), for_seconds=300)
        assert all(taken.result())
        assert queued(worker, queue) == 0
    short.close()


def test_waker_stops_while_a_queue_stays_full(lives: Lives, worker: WorkerServices) -> None:
    lives.begin().set("wake_at = clock_timestamp()")
    with Redis.from_url(worker.settings.redis_url) as redis:
        redis.lpush(Queue.SUBMIT.value, *["{}"] * worker.settings.pipeline.queue_target)
    wake_on(worker, for_seconds=0.2)
    assert queued(worker, Queue.SUBMIT) == worker.settings.pipeline.queue_target


def test_flushed_redis_loses_no_generation(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin()
    life.step()
    with Redis.from_url(worker.settings.redis_url) as redis:
        redis.flushdb()
    life.set("wake_at = clock_timestamp()")
    wake(worker)
    assert queued(worker, Queue.POLL) == 1


def test_wake_up_contains_the_id_and_nothing_of_the_request(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin()
    life.set("wake_at = clock_timestamp()")
    wake(worker)
    with Redis.from_url(worker.settings.redis_url, decode_responses=True) as redis:
        (message,) = redis.lrange(Queue.SUBMIT.value, 0, -1)
    assert life.word not in message
    assert f'"id": "{life.id}.{Stage.QUEUED}.1"' in message


def test_wake_up_for_a_full_queue_makes_its_generation_due_at_once(lives: Lives, worker: WorkerServices) -> None:
    target = worker.settings.pipeline.queue_target
    fits, waits = lives.begin(), lives.begin()
    with Redis.from_url(worker.settings.redis_url) as redis:
        redis.lpush(Queue.SUBMIT.value, *["{}"] * (target - 1))
        assert not worker.dispatcher.wake(*(Wake(life.id, Stage.QUEUED, 0) for life in (fits, waits)))
        assert queued(worker, Queue.SUBMIT) == target
        redis.delete(Queue.SUBMIT.value)
    wake(worker)
    assert queued(worker, Queue.SUBMIT) == 1


class _Between:
    """A dispatcher whose Redis goes away between the look at the queues and the sending."""

    def __init__(self, near: Dispatcher, far: Dispatcher, link: Link) -> None:
        self._near = near
        self._far = far
        self._link = link

    def room(self) -> Mapping[Queue, int]:
        return self._near.room()

    def wake(self, *wakes: Wake) -> bool:
        return self._far.wake(*wakes)

    def wake_variants(self, count: int) -> None:
        self._far.wake_variants(count)

    def wake_stops(self, wakes: Iterable[StopWake]) -> None:
        self._far.wake_stops(wakes)

    def wake_all(self, wakes: Iterable[Wake]) -> None:
        # A connection that stands, so that the batch is cut and not refused.
        self._far.wake_all([])
        with self._link.refused():
            self._far.wake_all(wakes)


def test_wake_ups_lost_by_redis_are_logged_and_sent_again(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin()
    life.set("wake_at = clock_timestamp()")
    with Proxy() as proxy:
        redis = urlsplit(worker.settings.redis_url)
        assert redis.port is not None
        link = proxy.link("redis", redis.port)
        far_url = worker.settings.redis_url.replace(f":{redis.port}", f":{link.port}")
        far_settings = worker.settings.model_copy(update={"redis_url": far_url})
        far = workers_dispatch.Dispatcher(
            create_app(far_settings, process="worker"), far_settings.pipeline, worker.database
        )
        with own_logs() as lines:
            wake(replace(worker, dispatcher=_Between(worker.dispatcher, far, link)))
        far.close()
    assert [line["event"] for line in lines] == ["wakes_not_sent"]
    life.set("wake_at = clock_timestamp()")
    wake(worker)
    assert queued(worker, Queue.SUBMIT) == 1
