"""The process of the role `requests`: the Redis door. It takes messages itself, because Celery could lose one.

Between Celery's pop and its copy in `unacked`, a killed worker loses a message, and another copy waits for minutes.
"""

import signal
import sys
import time
from collections.abc import Sequence
from socket import gethostname
from threading import Event, Thread
from types import FrameType
from typing import Final

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from intake.redis.serving import Server
from intake.redis.taking import Takers
from schemas.enums import Queue
from schemas.settings import Settings
from workers.app import create_app
from workers.draining import Draining, following
from workers.lifecycle import intake_of, open_services
from workers.presence import present
from workers.strays import fetching

log = structlog.get_logger()

_CHECK_SECONDS: Final = 0.1
_HOUSEKEEPING_SECONDS: Final = 1.0
_TIMEOUT_SECONDS: Final = 5.0
_END_SECONDS: Final = 2.0


class _Signals:
    """Counts the requests to end. A signal handler may interrupt the owner of a lock, so it takes none."""

    def __init__(self) -> None:
        self.is_asked = self.is_hastened = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGQUIT, self._hasten)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = True

    def _hasten(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = self.is_hastened = True


def run(settings: Settings, name: str, *, threads: int) -> None:
    """Serve the Redis door until SIGTERM, SIGINT or SIGQUIT. Then return the messages that are not done.

    Args:
        name: the name of the node, as Flower shows it.
        threads: the number of messages at a time.
    """
    asked = _Signals()
    with (
        create_app(settings, process="worker") as app,
        open_services(app, settings, worker_name=name, queues=[Queue.REQUESTS], threads=threads) as services,
        present(app, name) as presence,
        fetching(settings.redis_url),
        _client(settings) as redis,
    ):
        takers = Takers(redis, f"{name}@{gethostname()}", threads)
        server = Server(intake_of(services), redis, takers, presence.tell, over=Event(), taking=services.taking)
        draining = Draining(settings, services.database, name, services.taking, in_hand=lambda: len(server.busy))
        with following(draining):
            is_well = _serve(server, asked, settings.worker_drain_seconds)
    if not is_well:
        sys.exit(1)


def _client(settings: Settings) -> Redis:
    """A client that does not try again by itself: each caller knows how."""
    return Redis.from_url(
        settings.redis_url,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        socket_keepalive=True,
        health_check_interval=25,
        retry=Retry(NoBackoff(), 0),
    )


def _serve(server: Server, asked: _Signals, drain_seconds: float) -> bool:
    """Run until a signal, or until a thread dies. Return whether all threads lived."""
    takers, stopped = server.takers, Event()
    working = [_started(server.work, taker, name=f"door {taker[-1]}") for taker in takers.names]
    housekeeping = _started(_keep_house, server, stopped, name="door housekeeping")
    while not asked.is_asked and all(thread.is_alive() for thread in [*working, housekeeping]):
        time.sleep(_CHECK_SECONDS)
    is_well = asked.is_asked
    server.over.set()
    _drain(working, asked, drain_seconds)
    stopped.set()
    housekeeping.join(_END_SECONDS)
    _hand_back(takers)
    return is_well


def _started(act: object, *arguments: object, name: str) -> Thread:
    thread = Thread(target=act, args=arguments, name=name, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def _keep_house(server: Server, stopped: Event) -> None:
    """Each second, show that the process lives, take over from the dead, and tell clients the state of the door."""
    takers = server.takers
    while not stopped.is_set():
        try:
            takers.keep_alive()
            if count := takers.take_over():
                log.warning("messages_taken_over", count=count)
            server.gauge.measure()
        except RedisError as error:
            log.warning("door_waits_for_redis", error=type(error).__name__)
        stopped.wait(_HOUSEKEEPING_SECONDS)


def _drain(working: Sequence[Thread], asked: _Signals, seconds: float) -> None:
    """Wait for the messages in hand. Their threads end with the process if they outlast the bound."""
    ends_at = time.monotonic() + seconds
    while any(thread.is_alive() for thread in working) and time.monotonic() < ends_at and not asked.is_hastened:
        time.sleep(_CHECK_SECONDS)


def _hand_back(takers: Takers) -> None:
    try:
        count = takers.hand_back()
    except RedisError as error:
        # The next process takes the messages over.
        log.warning("messages_not_handed_back", error=type(error).__name__)
    else:
        log.info("messages_handed_back", count=count)
