"""The process of the role `notify`: tells others of committed events. One event loop runs all its parts.

The work waits in the database. So any number of these processes may run, and one that ends loses nothing.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from notify.alarms import Alarms
from notify.listener import listen
from notify.stream.turns import write_streams
from notify.webhooks import part as webhooks
from schemas.settings import Settings
from storage.database import AsyncDatabase, Database
from storage.taking import Taking
from workers.app import create_app
from workers.draining import Draining
from workers.figures import show_figures
from workers.presence import present

log = structlog.get_logger()

_ASK_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class NotifyServices:
    """The clients of this process, for all its parts."""

    settings: Settings
    """The settings of the process."""
    database: AsyncDatabase
    """The database."""
    alarms: Alarms
    """Wakes the parts when a change is announced."""


Part = Callable[[NotifyServices], Awaitable[None]]
"""Runs until it is cancelled, and survives outages. An error that it raises ends the process, which starts anew."""


async def hear_announcements(services: NotifyServices) -> None:
    """Ring the alarms of the other parts, if the operator wants so. While a process listens, all others announce."""
    if services.settings.notify_hears_changes:
        await listen(services.settings.redis_url, services.alarms)
    else:
        await asyncio.Event().wait()


async def write_the_streams(services: NotifyServices) -> None:
    """Write the streams in Redis, unless they are switched off."""
    if services.settings.stream_out.enabled:
        await write_streams(services.database, services.settings, services.alarms.add())
    else:
        await asyncio.Event().wait()


async def send_webhooks(services: NotifyServices) -> None:
    """Send webhooks to customers' endpoints."""
    await webhooks.run(services.settings, services.database, services.alarms)


async def show_the_figures(services: NotifyServices) -> None:
    """Show the figures of the whole system to Prometheus, unless metrics are switched off."""
    if services.settings.metrics.enabled:
        await show_figures(services.settings, services.database)
    else:
        await asyncio.Event().wait()


PARTS: Sequence[Part] = (hear_announcements, write_the_streams, send_webhooks, show_the_figures)
"""The parts of the process."""


def run(settings: Settings, name: str) -> None:
    """Run all parts until SIGTERM, SIGINT or SIGQUIT.

    Args:
        name: the name of the node, as Flower shows it.
    """
    with create_app(settings, process="worker") as app, present(app, name):
        asyncio.run(_run(settings, PARTS, name))


class _Rests:
    """Whether the parts rest, because the process is drained. The process tells it from another thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.begin, self.end = asyncio.Event(), asyncio.Event()
        self.are_resting = True
        """Whether no part runs."""

    def follow(self, takes: bool) -> None:
        """Let the parts run, or rest soon."""
        self._loop.call_soon_threadsafe(self._follow, takes)

    def _follow(self, takes: bool) -> None:
        (self.end if takes else self.begin).set()
        (self.begin if takes else self.end).clear()


async def _run(settings: Settings, parts: Sequence[Part], name: str) -> None:
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    database = AsyncDatabase(settings.database_url, pool_size=settings.database_pool_size)
    reports, rests = Database(settings.database_url, pool_size=1), _Rests()
    draining = Draining(
        settings, reports, name, Taking(), in_hand=lambda: int(not rests.are_resting), follow=rests.follow
    )
    try:
        services = NotifyServices(settings, database, Alarms())
        async with _followed(draining):
            while not asked.is_set():
                await _work_or_rest(services, parts, asked, rests)
    finally:
        await database.dispose()
        reports.dispose()


async def _work_or_rest(services: NotifyServices, parts: Sequence[Part], asked: asyncio.Event, rests: _Rests) -> None:
    """Run the parts until the process is drained or asked to end. While it is drained, wait."""
    if rests.begin.is_set():
        await _until([asked, rests.end], [])
        return
    rests.are_resting = False
    await _until([asked, rests.begin], [part(services) for part in parts])
    rests.are_resting = True


@asynccontextmanager
async def _followed(draining: Draining) -> AsyncIterator[None]:
    """Report the process while the block runs. The event loop goes on while the database answers."""
    await asyncio.to_thread(draining.start)
    try:
        yield
    finally:
        await asyncio.to_thread(draining.stop)


async def _until(ends: Sequence[asyncio.Event], parts: Sequence[Awaitable[None]]) -> None:
    """Run the parts until an event is set. Raise the error of a part that ends."""
    running = [asyncio.ensure_future(part) for part in parts]
    waiting = [asyncio.ensure_future(end.wait()) for end in ends]
    try:
        done, _ = await asyncio.wait([*waiting, *running], return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()
    finally:
        await cancelled([*waiting, *running])


async def cancelled(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancel tasks, and wait until they have ended.

    redis-py may answer a cancellation with an error of a lost connection, and the task then goes on. So ask again.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_ASK_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
