"""A process follows the drains of an operator, and reports its work."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from uuid import UUID

import pytest
from redis import Redis

from schemas.enums import Queue, Stage
from schemas.settings import Settings
from schemas.tables import Generation
from stack.wiring import settings_environment
from storage import drains
from storage.admission_control import Reason
from storage.database import Database
from storage.generations import Wake
from storage.taking import Taking
from tests.support import NewCustomer, a_generation, eventually, new_customer
from workers.app import create_app
from workers.dispatch import Dispatcher
from workers.draining import Draining, following
from workers.health import worker_trouble

ROOT = Path(__file__).parents[3]
WHY = Reason("ops", "a test")
NODE, HOST = f"provider@{gethostname()}", f"@{gethostname()}"


@pytest.fixture
def gate() -> Taking:
    return Taking()


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    return new_customer(database, 100)


@contextmanager
def reporting(settings: Settings, database: Database, gate: Taking, changes: list[bool]) -> Iterator[None]:
    with following(Draining(settings, database, "provider", gate, in_hand=lambda: 3, follow=changes.append)):
        yield


def the_process(database: Database) -> drains.Process:
    with database.statement() as sql:
        (process,) = drains.processes(sql)
    return process


def drain(database: Database, target: str) -> None:
    with database.statement() as sql:
        drains.drain(sql, target, [], WHY)


@pytest.mark.parametrize("target", [NODE, HOST])
def test_process_follows_a_drain_and_its_end(settings: Settings, database: Database, gate: Taking, target: str) -> None:
    changes: list[bool] = []
    with reporting(settings, database, gate, changes):
        assert (the_process(database).in_hand, the_process(database).drained_at) == (3, None)

        drain(database, target)
        drained = eventually(lambda: the_process(database), lambda one: one.drained_at is not None)
        assert (gate.is_open, drained.drain, drained.is_empty, changes[-1]) == (False, target, False, False)

        with database.statement() as sql:
            assert drains.undrain(sql, target, WHY)
        eventually(lambda: the_process(database), lambda one: one.drained_at is None and gate.is_open)
        eventually(lambda: changes[-1], bool)
    with database.statement() as sql:
        assert drains.processes(sql) == []


def test_busy_process_reports_itself_while_the_gate_closes(
    settings: Settings, database: Database, gate: Taking
) -> None:
    with reporting(settings, database, gate, []):
        with gate.taking() as may:
            assert may
            drain(database, NODE)
            eventually(lambda: gate.is_open, lambda is_open: not is_open)
            first = the_process(database).seen_at
            later = eventually(lambda: the_process(database), lambda one: one.seen_at > first)
            assert later.drained_at is None
        eventually(lambda: the_process(database), lambda one: one.drained_at is not None)


def test_process_that_starts_on_a_drained_host_takes_nothing(
    settings: Settings, database: Database, gate: Taking
) -> None:
    drain(database, HOST)

    with reporting(settings, database, gate, []):
        assert not gate.is_open
        assert the_process(database).drained_at is not None


def test_drain_of_another_host_concerns_no_process_here(settings: Settings, database: Database, gate: Taking) -> None:
    drain(database, HOST + "er")
    drain(database, "transfer" + HOST)

    with reporting(settings, database, gate, []):
        assert gate.is_open


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_drained_celery_worker_leaves_messages_in_their_queue(
    settings: Settings, database: Database, customer: NewCustomer, tmp_path: Path
) -> None:
    drain(database, NODE)
    made = a_generation(database, settings, customer)
    arguments = [sys.executable, "-m", "workers", "--role", "provider"]
    environment = {**os.environ, **settings_environment(settings), "PYTHONPATH": str(ROOT)}
    with (
        Redis.from_url(settings.redis_url) as redis,
        create_app(settings) as app,
        subprocess.Popen(arguments, cwd=tmp_path, env=environment) as process,
    ):
        redis.flushdb()
        try:
            eventually(lambda: worker_trouble(settings, "provider"), lambda trouble: trouble is None, seconds=200)
            assert the_process(database).is_empty
            Dispatcher(app, settings.pipeline, database).wake(Wake(made, Stage.QUEUED, 0))
            assert redis.llen(Queue.SUBMIT) == 1
            # The worker answers, so its loop would have taken the message.
            eventually(lambda: worker_trouble(settings, "provider"), lambda trouble: trouble is None)
            assert (redis.llen(Queue.SUBMIT), attempts(database, made)) == (1, 0)

            with database.statement() as sql:
                assert drains.undrain(sql, NODE, WHY)
            eventually(lambda: attempts(database, made), lambda number: number > 0)
            assert redis.llen(Queue.SUBMIT) == 0

            drain(database, NODE)
            eventually(lambda: the_process(database), lambda one: one.is_empty)
            before = attempts(database, made)
            # A read of the queues that was under way may still take the first message.
            for _ in range(2):
                Dispatcher(app, settings.pipeline, database).wake(Wake(made, Stage.QUEUED, before))
                eventually(lambda: worker_trouble(settings, "provider"), lambda trouble: trouble is None)
            assert redis.llen(Queue.SUBMIT) >= 1
            assert attempts(database, made) == before
            process.terminate()
            assert process.wait(300) == 0
        finally:
            process.kill()


def attempts(database: Database, generation_id: UUID) -> int:
    with database.transaction() as session:
        return session.get_one(Generation, generation_id).attempt
