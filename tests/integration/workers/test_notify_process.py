"""The process of the role `notify` lives as long as its parts, and ends when it is asked to."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from notify.alarms import Alarms
from notify.announcements import CHANNEL, encoded
from notify.stream.entries import STREAM
from schemas.settings import Settings
from schemas.stream_out_settings import StreamOutSettings
from stack.wiring import settings_environment
from storage.database import AsyncDatabase, Database
from tests.support import NewCustomer, a_generation, eventually, new_customer
from workers import notify_process
from workers.health import worker_trouble
from workers.notify_process import NotifyServices

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def settings(stream_settings: Settings) -> Settings:
    return stream_settings


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    return new_customer(database, 100)


def test_running_process_is_healthy_writes_the_stream_and_ends_when_asked(
    settings: Settings, database: Database, customer: NewCustomer, tmp_path: Path
) -> None:
    with Redis.from_url(settings.redis_url) as redis:
        redis.flushdb()
        a_generation(database, settings, customer)
        with subprocess.Popen(
            [sys.executable, "-m", "workers", "--role", "notify"],
            cwd=tmp_path,
            env={**os.environ, **settings_environment(settings), "PYTHONPATH": str(ROOT)},
        ) as process:
            try:
                assert eventually(lambda: worker_trouble(settings, "notify"), lambda trouble: trouble is None) is None
                eventually(lambda: redis.xlen(STREAM), lambda length: length == 1)
                process.terminate()
                assert process.wait(300) == 0
            finally:
                process.kill()


async def _wait(_: NotifyServices) -> None:
    await asyncio.Event().wait()


def test_part_that_raises_ends_the_process(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    async def other(services: NotifyServices) -> None:
        try:
            await _wait(services)
        finally:
            ended.append("other")

    async def broken(_: NotifyServices) -> None:
        await asyncio.sleep(0)
        raise LookupError("a bug")

    monkeypatch.setattr(notify_process, "PARTS", (other, broken))
    with pytest.raises(LookupError, match="a bug"):
        notify_process.run(settings, "notify")
    assert ended == ["other"]


def test_parts_are_cancelled_when_the_process_is_asked_to_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    async def part(services: NotifyServices) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await _wait(services)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    monkeypatch.setattr(notify_process, "PARTS", (part,))
    notify_process.run(settings, "notify")
    assert ended == ["cancelled"]


def test_announcements_ring_the_alarms_of_the_parts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def part(services: NotifyServices) -> None:
        alarm = services.alarms.add()
        ring = asyncio.create_task(alarm.wait(60))
        with Redis.from_url(settings.redis_url) as redis:
            # The first of them may reach the listener of another process alone.
            while not ring.done():
                await asyncio.to_thread(redis.publish, CHANNEL, encoded([(uuid4(), uuid4())]))
                await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(notify_process, "PARTS", (notify_process.hear_announcements, part))
    started = time.monotonic()
    hearing = settings.model_copy(update={"notify_hears_changes": True})
    notify_process.run(hearing, "notify")
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("hears", [False, True])
def test_process_listens_only_if_the_operator_wants_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, hears: bool
) -> None:
    """While a process listens, all processes announce each change."""
    listened: list[str] = []

    async def listen(redis_url: str, _alarms: Alarms) -> None:
        listened.append(redis_url)

    async def act() -> None:
        database = AsyncDatabase(settings.database_url, pool_size=2)
        wanted = settings.model_copy(update={"notify_hears_changes": True}) if hears else settings
        services = NotifyServices(wanted, database, Alarms())
        part = asyncio.ensure_future(notify_process.hear_announcements(services))
        await asyncio.sleep(0.05)
        part.cancel()
        await database.dispose()

    monkeypatch.setattr(notify_process, "listen", listen)
    asyncio.run(act())
    assert bool(listened) == hears


def test_stream_that_is_switched_off_asks_for_no_announcements(settings: Settings) -> None:
    async def act() -> None:
        off = settings.model_copy(update={"stream_out": StreamOutSettings(enabled=False)})
        database = AsyncDatabase(settings.database_url, pool_size=2)
        services = NotifyServices(off, database, Alarms())
        part = asyncio.ensure_future(notify_process.write_the_streams(services))
        await asyncio.sleep(0)
        assert not part.done()
        assert not services.alarms.is_followed
        part.cancel()
        await database.dispose()

    asyncio.run(act())
