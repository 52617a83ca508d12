"""Logs one line when Redis does not take a message of beat.

Celery logs two stacks for each message. Beat sends the next message a second later.
"""

import structlog
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from kombu import Producer

log = structlog.get_logger()


class MemoryScheduler(Scheduler):
    """A schedule in memory."""

    def apply_entry(self, entry: ScheduleEntry, producer: Producer | None = None) -> None:
        """Send the message of a due entry."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            log.warning("beat_not_sent", error=type(error.__cause__ or error).__name__)
