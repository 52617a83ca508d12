import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from redis import Redis

from drills.hostile.messages import WRONG
from drills.hostile.messages import message as sample
from intake.redis.keys import TAKEN
from stack.stack import Stack
from tests.e2e.conftest import FINISHED, System, worker_processes
from tests.support import NewCustomer, eventually
from workers.roles import ROLES, Role

pytestmark = pytest.mark.slow


def worker_process(system: System, role: str) -> psutil.Process:
    """The process that the supervisor of a role keeps alive."""
    (child,) = eventually(lambda: worker_processes(system.stack, role), lambda found: len(found) == 1)
    return child


def test_a_killed_worker_is_replaced_and_its_generation_goes_on(system: System) -> None:
    customer = system.customer()
    word = system.behave(bytes_per_second=50_000)
    generation_id = system.submit(customer, word, model="kling-2.6-text-to-video", duration_seconds=5).json()["id"]
    eventually(lambda: system.sandbox.tasks(word), lambda tasks: sum(task.downloads for task in tasks) > 0)
    killed = worker_process(system, "transfer")
    killed.kill()
    assert system.finished(customer, generation_id).status == "completed"
    assert system.task(word).downloads >= 2
    assert worker_process(system, "transfer").pid != killed.pid


def test_no_message_closes_the_redis_door_or_stays_with_it(system: System) -> None:
    customer = system.customer()
    word = system.behave()
    door = worker_process(system, "requests").pid
    other = system.customer()
    order: list[object] = [
        [],
        {"customer_id": str(other.id), "request": {"model": "no-such-model", "prompt": word}},
        {},
    ]
    with Redis.from_url(system.stack.settings.redis_url) as redis:
        for strange in strange_messages(order):
            redis.lpush("requests", strange)
        _, answer = system.enqueue(
            customer_id=str(customer.id), request={"model": "nano-banana", "prompt": f"a {word}"}
        )
        eventually(lambda: (redis.llen("requests"), taken(redis)), lambda left: left == (0, 0))
    assert system.finished(customer, str(answer["id"])).status == "completed"
    assert worker_process(system, "requests").pid == door
    assert word not in system.stack.part("worker-requests").log.read_text()
    assert system.sandbox.requests(word).accepted == 1


def taken(redis: Redis) -> int:
    """The number of messages that the door serves."""
    return sum(int(redis.llen(name)) for name in redis.scan_iter(match=f"{TAKEN}*"))


def strange_messages(body: list[object]) -> Iterator[str | bytes]:
    """Each part of a message with each wrong value, and texts that are no message."""
    for part in ("headers", "properties"):
        for field in sample(body)[part]:
            for value in WRONG:
                yield json.dumps({**sample(body), part: {**sample(body)[part], field: value}})
    for field in sample(body):
        for value in WRONG:
            yield json.dumps({**sample(body), field: value})
    yield from (b"", b"no JSON", b"\xff\xfe", b"[]", b"null", b"[" * 100_000)
    yield json.dumps(sample([*body[:2], {"chain": [{"task": "pipeline.sweep"}]}]))


def test_redis_emptied_loses_no_generation(system: System) -> None:
    customer = system.customer()
    word = system.behave(seconds=1)
    generation_ids = [system.submit(customer, word).json()["id"] for _ in range(5)]
    with Redis.from_url(system.stack.settings.redis_url) as redis:
        redis.flushdb()
    for generation_id in generation_ids:
        assert system.finished(customer, generation_id).status == "completed"
    assert system.sandbox.requests(word).accepted == 5


@pytest.mark.parametrize("part", ["postgres", "s3"])
def test_a_restart_of_what_keeps_the_data_loses_no_generation(services: Stack, system: System, part: str) -> None:
    customer = system.customer()
    word = system.behave(seconds=1)
    generation_ids = [system.submit(customer, word).json()["id"] for _ in range(8)]
    eventually(lambda: system.sandbox.requests(word).accepted, lambda accepted: accepted >= 4)
    services.restart(part)
    for generation_id in generation_ids:
        assert finished(system, customer, generation_id) == "completed"
    assert system.sandbox.requests(word).accepted == 8
    available, held = system.balance(customer)
    assert (available, held) == (1000 - 8 * 4, 0)


def on_their_way(system: System, word: str) -> int:
    """How many creates with a word the vendor has not answered."""
    counts = system.sandbox.requests(word)
    return counts.arrived - counts.accepted - counts.refused


def finished(system: System, customer: NewCustomer, generation_id: str) -> str:
    """The status at the end, asked patiently: the gateway may answer 503 while a service is away."""

    def status() -> str:
        answer = system.http.get(f"/v1/generations/{generation_id}", headers=customer.headers)
        return "unavailable" if answer.status_code == 503 else str(answer.json()["status"])

    return eventually(status, lambda found: found in FINISHED)


def test_while_redis_is_down_requests_and_callbacks_are_accepted(services: Stack, system: System) -> None:
    customer = system.customer()
    word = system.behave(seconds=0, callback="lost")
    waiting = system.submit(customer, word).json()["id"]
    eventually(lambda: system.see(customer, waiting).stage, lambda stage: stage == "generating")
    task = system.task(word)
    services.stop("redis")
    try:
        assert system.sandbox.send_callback(task.task_id).status == 200
        answer = system.submit(customer, system.behave())
        assert answer.status_code == httpx.codes.ACCEPTED
    finally:
        services.start("redis")
    assert system.finished(customer, waiting).status == "completed"
    assert system.finished(customer, answer.json()["id"]).status == "completed"


def test_workers_survive_a_restart_of_redis_while_they_hold_messages(services: Stack, system: System) -> None:
    customer = system.customer()
    word = system.behave(create_latency_seconds=20, delivered={"width": 64, "height": 64})
    workers = {role: worker_process(system, role).pid for role in ("provider", "control", "transfer", "media")}
    # Together, so that the last ones come before the vendor answers the first ones.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: system.submit(customer, word), range(40)))
    generation_ids = [answer.json()["id"] for answer in answers]
    # All threads but two send, because the orders are of one account. The next messages wait in the process's memory.
    threads = ROLES[Role.PROVIDER].threads - 2
    eventually(lambda: on_their_way(system, word), lambda count: count >= threads)
    services.restart("redis")
    for generation_id in generation_ids:
        assert system.finished(customer, generation_id).status == "completed"
    assert system.sandbox.requests(word).accepted == 40
    assert {role: worker_process(system, role).pid for role in workers} == workers
    assert "DeprecationWarning" not in system.stack.part("worker-provider").log.read_text()
