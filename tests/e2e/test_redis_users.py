"""The whole system on the Redis of `compose.yaml`, each process as its own user."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest
from celery import Celery
from redis import Redis

from cli.state import state_of
from notify.stream.entries import STREAM
from schemas.enums import Queue, TaskName
from schemas.settings import Settings
from stack.processes import Process, application_processes
from stack.stack import Stack
from tests.compose_redis import ComposeRedis, compose_redis
from tests.e2e.conftest import FLOWER_LOGIN, System, own_places, system_of
from tests.support import eventually
from workers.app import create_app
from workers.health import beat_trouble, worker_trouble
from workers.roles import ROLES, Role

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeRedis]:
    """No command of any test may be refused."""
    with compose_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running
        assert running.refused() == []


@pytest.fixture(scope="module")
def locked(services: Stack, redis: ComposeRedis, run_folder: Path) -> Iterator[System]:
    """Every process of the system. The stack itself asks as the operator."""

    def processes(settings: Settings) -> Sequence[Process]:
        def as_own_user(process: Process) -> Process:
            return replace(process, env={**process.env, "REELWORKS_REDIS_URL": redis.url(process.name)})

        return [as_own_user(process) for process in application_processes(settings)]

    settings = own_places(services, "redis_users", 0).model_copy(update={"redis_url": redis.operator_url})
    with Stack(run_folder / "redis_users", settings, processes=processes) as stack:
        yield from system_of(stack)


def as_user(system: System, url: str) -> Settings:
    """The settings of a process that has this URL of Redis."""
    return system.stack.settings.model_copy(update={"redis_url": url})


def test_an_order_over_http_is_finished(locked: System) -> None:
    customer = locked.customer()
    assert locked.make(customer, locked.behave()).status == "completed"
    video = locked.make(customer, locked.behave(), model="kling-2.6-text-to-video", duration_seconds=5)
    assert video.status == "completed"
    assert locked.audit().breaches == []


def test_orders_of_a_service_are_finished_and_answered(locked: System, redis: ComposeRedis) -> None:
    customer = locked.customer()
    for url, queue in ((redis.orders_url, "requests"), (redis.operator_url, None)):
        request = {"model": "nano-banana", "prompt": f"a boat {locked.behave()}"}
        arguments = {"customer_id": str(customer.id), "request": request}
        with Celery(broker=url, backend=url, set_as_current=False) as client:
            answer = client.send_task("generation.enqueue", kwargs=arguments, queue=queue).get(timeout=300)
        assert locked.finished(customer, answer["id"]).status == "completed"


def test_a_service_follows_the_events_of_an_order(locked: System, redis: ComposeRedis) -> None:
    customer = locked.customer()
    made = locked.make(customer, locked.behave())
    with Redis.from_url(redis.events_url, decode_responses=True) as service:

        def types() -> list[str]:
            entries = [fields for _, fields in service.xrange(STREAM)]
            return [fields["type"] for fields in entries if fields["generation_id"] == made.id]

        found = eventually(types, lambda types: types[-1:] == ["generation.completed"])
        assert found[0] == "generation.accepted"
        service.xgroup_create(STREAM, "group", id="0")
        ((_, entries),) = service.xreadgroup("group", "consumer", {STREAM: ">"})
        assert service.xack(STREAM, "group", *[entry for entry, _ in entries]) == len(entries)
        assert service.xautoclaim(STREAM, "group", "other", min_idle_time=0)[1] == []


def test_a_sweep_of_beat_runs(locked: System, redis: ComposeRedis) -> None:
    with create_app(as_user(locked, redis.url("beat"))) as app, Redis.from_url(redis.operator_url) as operator:
        app.send_task(TaskName.SWEEP, queue=Queue.SWEEP, ignore_result=True)
        assert eventually(lambda: operator.llen(Queue.SWEEP), lambda length: length == 0) == 0


def test_health_checks_find_every_process_well(locked: System, redis: ComposeRedis) -> None:
    for role in Role:
        user = as_user(locked, redis.url(f"worker-{role}"))
        eventually(partial(worker_trouble, user, role), lambda trouble: trouble is None)
    assert eventually(lambda: beat_trouble(as_user(locked, redis.url("beat"))), lambda trouble: trouble is None) is None


def test_status_in_flowers_container_finds_everything(locked: System, redis: ComposeRedis) -> None:
    user = as_user(locked, redis.url("flower"))
    eventually(lambda: state_of(user, gateway=locked.stack.gateway_url, patience=10), lambda state: state.is_well)


def test_flower_shows_workers_tasks_and_queues(locked: System) -> None:
    locked.make(locked.customer(), locked.behave())
    with httpx.Client(base_url=locked.stack.flower_url, auth=FLOWER_LOGIN, timeout=60, trust_env=False) as flower:

        def read(path: str) -> httpx.Response:
            return flower.get(path).raise_for_status()

        celery = [role for role in Role if ROLES[role].is_celery]
        eventually(
            lambda: read("/api/workers?refresh=1").json(),
            lambda found: len(found) == len(celery) and all(one.get("active_queues") for one in found.values()),
        )
        assert read("/api/tasks").json()
        assert {queue["name"] for queue in read("/api/queues/length").json()["active_queues"]} == {
            queue for role in celery for queue in ROLES[role].queues
        }


def test_a_worker_that_ends_returns_its_messages(locked: System) -> None:
    for role in (Role.REQUESTS, Role.PROVIDER):
        locked.stack.restart(f"worker-{role}")
    assert locked.make(locked.customer(), locked.behave()).status == "completed"
