"""Beat: sends the wake-up of every second."""

import os
import signal
from types import FrameType

import structlog
from celery.apps.beat import Beat
from celery.beat import ScheduleEntry, Scheduler, SchedulingError, Service
from kombu import Producer

from schemas.settings import Settings
from workers.app import create_app
from workers.quiet import keep_our_logging

log = structlog.get_logger()


class MemoryScheduler(Scheduler):
    """A schedule in memory that says in one line when Redis does not take a message: the next comes in a second."""

    def apply_entry(self, entry: ScheduleEntry, producer: Producer | None = None) -> None:
        """Send what is due."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            log.warning("beat_not_sent", error=type(error.__cause__ or error).__name__)


class StatelessBeat(Beat):
    """A beat that ends at once.

    Celery's own handler raises SystemExit wherever the signal lands; inside a publish, redis-py turns that into an
    error that beat logs and survives. This beat has nothing to save.
    """

    def install_sync_handler(self, service: Service) -> None:  # noqa: ARG002 -- there is nothing to sync
        """End the process on SIGTERM and SIGINT."""

        def leave(_number: int, _frame: FrameType | None) -> None:
            os._exit(0)

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)


def run_beat(settings: Settings) -> None:
    """Send until told to stop."""
    keep_our_logging()
    app = create_app(settings, process="worker")
    StatelessBeat(app=app, quiet=True, loglevel="WARNING", pidfile=None).run()
