"""The services of a gateway process, and the dependency by which routes get them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool

from gateway.connections import END_STREAMS
from gateway.probes import Probe
from gateway.rate_limits import RateLimits
from gateway.tallies import Tally
from gateway.turns import Turns
from gateway.wakes import WakeSender
from intake.orders import AsyncIntake, Intake
from notify.announcements import Announcer
from notify.hub import Hub
from notify.listener import listen
from notify.reader import EventReader
from providers.catalogue import Catalogue
from providers.registry import Providers, accounts_of
from schemas.settings import Settings
from schemas.shares import Shares
from storage import api_keys, downloads, sessions, shares
from storage.database import AsyncDatabase, Database
from storage.objects import ObjectStore
from workers.app import create_app as create_celery
from workers.dispatch import Dispatcher

# Uploads wait for their senders in files, and then need a thread and memory for a part of the file.
_MOST_UPLOADS_AT_ONCE = 64
# Each is up to `inputs.max_request_bytes` (8 MiB) in memory.
_MOST_LARGE_BODIES = 16
_UPLOAD_THREADS = 8
# The SDK of the protocol holds a file several times: as bytes, in base64, and in the answer.
_MOST_PICTURES, _PICTURES_OF_ONE = 24, 8
_MOST_FILES, _FILES_OF_ONE = 3, 2

# People look at counts. The last use of a key or a session needs no such precision.
_COUNTS_SECONDS = 3.0
_KEYS_SECONDS = 60.0


@dataclass(frozen=True)
class GatewayServices:
    """The services of one process. All are safe to share between threads."""

    settings: Settings
    """The settings of the process."""
    database: Database
    """The database, for code in threads."""
    loop_database: AsyncDatabase
    """The database, for code in the event loop: orders and callbacks."""
    objects: ObjectStore
    """The object store."""
    providers: Providers
    """The provider accounts."""
    catalogue: Catalogue
    """The models that can be ordered."""
    intake: AsyncIntake
    """Accepts the orders of every door of the gateway."""
    wakes: WakeSender
    """Sends wake-ups to the workers."""
    probes: tuple[Probe, ...]
    """The checks of `/readyz`."""
    key_use: Tally
    """The uses of API keys. Their last use is recorded."""
    session_use: Tally
    """The uses of sessions. Their last use is recorded."""
    downloads: Tally
    """The downloads of results, by generation."""
    views: Tally
    """The views of shares."""
    rate_limits: RateLimits
    """Limits the requests of API keys."""
    turns: Turns
    """The lines of the senders of requests: a burst delays its own sender."""
    body_shares: Shares
    """The large bodies of JSON that are in memory at one time."""
    upload_shares: Shares
    """The uploads at one time, while their senders send."""
    upload_threads: CapacityLimiter
    """Limits the threads that store uploads."""
    announce: Callable[[UUID, UUID], object]
    """Announces that a generation of a customer changed. Returns at once."""
    events: EventReader
    """Reads pages of events."""
    hub: Hub
    """The event streams and the waiting requests."""
    stream_shares: Shares
    """The open streams and the waiting requests at one time."""
    order_shares: Shares
    """The orders at one time that stay open for their result, unasked: of the seeds, and of OpenAI's images."""
    picture_shares: Shares
    """The small pictures at one time within answers to agents."""
    file_shares: Shares
    """The larger files at one time within answers to agents."""


def lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]:
    """Opens the services when the gateway starts and closes them when it stops."""

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        with ExitStack() as ends:
            services = app.state.services = _open(settings, ends)
            tallies = (services.key_use, services.session_use, services.downloads, services.views)
            for tally in tallies:
                tally.start()
            try:
                async with _running(services.hub, settings.redis_url):
                    yield {END_STREAMS: services.hub.stop}
            finally:
                for tally in tallies:
                    await tally.close()
                await services.rate_limits.close()
                await services.loop_database.dispose()
                # In a thread: closing can wait for a wake-up that is being sent.
                await run_in_threadpool(ends.close)

    return run


@asynccontextmanager
async def _running(hub: Hub, redis_url: str) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(listen(redis_url, hub))]
    try:
        yield
    finally:
        hub.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _open(settings: Settings, ends: ExitStack) -> GatewayServices:
    # Both pools together stay within the limit of a process. Most of the gateway's work runs in the event loop.
    for_threads = max(1, settings.database_pool_size // 4)
    database = Database(settings.database_url, pool_size=for_threads)
    loop_database = AsyncDatabase(settings.database_url, pool_size=settings.database_pool_size - for_threads)
    ends.callback(database.dispose)
    objects = ObjectStore(settings.s3)
    ends.callback(objects.close)
    providers = Providers(accounts_of(settings), public_url=settings.public_url)
    providers.warn_of_polling()
    ends.callback(providers.close)
    dispatcher = Dispatcher(create_celery(settings), settings.pipeline, database)
    ends.callback(dispatcher.close)
    catalogue = Catalogue.load(providers.offer(), settings.prices, providers.servers())
    wakes = WakeSender(dispatcher.wake)
    ends.callback(wakes.close)
    announcer = Announcer(settings.redis_url)
    ends.callback(announcer.close)
    intake = Intake(settings, database, objects, catalogue, wakes.send, announcer.announce)
    events = EventReader(loop_database)
    probes = (
        Probe("database", database.ping),
        Probe("object_store", objects.ping),
        # Redis carries only wake-ups. Without Redis, the gateway still accepts requests and callbacks.
        Probe("redis", dispatcher.ping, is_essential=False),
    )
    return GatewayServices(
        settings=settings,
        database=database,
        loop_database=loop_database,
        objects=objects,
        providers=providers,
        catalogue=catalogue,
        intake=AsyncIntake(intake, loop_database),
        wakes=wakes,
        probes=probes,
        key_use=Tally(loop_database, "keys", api_keys.note_use, every_seconds=_KEYS_SECONDS),
        session_use=Tally(loop_database, "sessions", sessions.note_use, every_seconds=_KEYS_SECONDS),
        downloads=Tally(loop_database, "downloads", downloads.add, every_seconds=_COUNTS_SECONDS),
        views=Tally(loop_database, "views", shares.add_views, every_seconds=_COUNTS_SECONDS),
        rate_limits=RateLimits(settings.redis_url, settings.rate_limits),
        turns=Turns(),
        body_shares=Shares(each=settings.inputs.uploads_at_once, total=_MOST_LARGE_BODIES),
        upload_shares=Shares(each=settings.inputs.uploads_at_once, total=_MOST_UPLOADS_AT_ONCE),
        upload_threads=CapacityLimiter(_UPLOAD_THREADS),
        announce=announcer.announce,
        events=events,
        hub=Hub(events),
        stream_shares=Shares(each=settings.streams.each_customer, total=settings.streams.total),
        order_shares=Shares(each=settings.streams.orders_each_customer, total=settings.streams.orders_total),
        picture_shares=Shares(each=_PICTURES_OF_ONE, total=_MOST_PICTURES),
        file_shares=Shares(each=_FILES_OF_ONE, total=_MOST_FILES),
    )


async def _services(request: Request) -> GatewayServices:
    services: GatewayServices = request.app.state.services
    return services


ServicesOf = Annotated[GatewayServices, Depends(_services)]
