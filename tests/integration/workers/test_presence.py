"""A process that is no Celery worker is seen like one."""

from collections.abc import Iterator
from socket import gethostname
from threading import Event, Thread
from typing import Any

import pytest
from celery import Celery
from redis import Redis

from schemas.settings import Settings
from tests.support import eventually
from workers.app import create_app
from workers.heartbeats import hear
from workers.presence import present

NODE = f"seen@{gethostname()}"


@pytest.fixture(scope="session")
def settings(stream_settings: Settings) -> Settings:
    return stream_settings


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    with create_app(settings, process="worker") as made:
        yield made


@pytest.fixture
def seen(settings: Settings) -> Iterator[list[dict[str, Any]]]:
    """The events of the node, as a monitor gets them."""
    found: list[dict[str, Any]] = []
    with (
        create_app(settings, process="worker") as app,
        app.connection_for_read() as connection,
    ):
        listens = Event()
        handlers = {
            "*": lambda event: found.append(event) if event.get("hostname") == NODE else None,
            "test-probe": lambda _event: listens.set(),
        }
        receiver = app.events.Receiver(connection, handlers=handlers)
        thread = Thread(target=lambda: receiver.capture(wakeup=False), daemon=True)
        thread.start()
        with app.events.default_dispatcher(hostname="a test") as probing:
            eventually(lambda: probing.send("test-probe"), lambda _: listens.wait(0.1))
        yield found
        receiver.should_stop = True
        thread.join(10)


def kinds(seen: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in list(seen)]


def test_monitor_sees_the_process_come_work_and_go(app: Celery, seen: list[dict[str, Any]]) -> None:
    with present(app, "seen") as presence:
        eventually(lambda: kinds(seen), lambda found: "worker-heartbeat" in found)
        presence.tell("task-received", uuid="1", name="generation.enqueue", args="()", kwargs="(hidden)")
        presence.tell("task-started", uuid="1")
        presence.tell("task-started", uuid="2")
        presence.tell("task-succeeded", uuid="1", runtime=0.1, result="(hidden)")
        eventually(
            lambda: [event for event in list(seen) if event["type"] == "worker-heartbeat"][-1],
            lambda beat: (beat["active"], beat["processed"]) == (1, 1),
        )
    found = eventually(lambda: kinds(seen), lambda found: found[-1] == "worker-offline")

    assert found[0] == "worker-online"
    assert [kind for kind in found if kind.startswith("task-")] == [
        "task-received", "task-started", "task-started", "task-succeeded",
    ]  # fmt: skip
    (received,) = [event for event in seen if event["type"] == "task-received"]
    assert (received["uuid"], received["name"], received["kwargs"]) == ("1", "generation.enqueue", "(hidden)")
    assert received["timestamp"] > 0


def test_last_events_are_sent_at_the_end(app: Celery, seen: list[dict[str, Any]]) -> None:
    with present(app, "seen") as presence:
        eventually(lambda: kinds(seen), lambda found: "worker-heartbeat" in found)
        for number in range(100):
            presence.tell("task-succeeded", uuid=str(number))
    found = eventually(lambda: kinds(seen), lambda found: found[-1] == "worker-offline")

    assert found.count("task-succeeded") == 100


def test_process_is_seen_again_after_a_lost_connection(app: Celery, settings: Settings) -> None:
    with present(app, "seen"), Redis.from_url(settings.redis_url) as redis:
        for _ in range(2):
            assert NODE in hear(app, seconds=30, is_enough=lambda heard: NODE in heard)
            redis.client_kill_filter(_type="normal", skipme=True)


def test_process_works_without_redis(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    with create_app(away, process="worker") as app, present(app, "seen") as presence:
        for number in range(3000):
            presence.tell("task-succeeded", uuid=str(number))
