"""What Celery must not do with logs: set them up, and print a message that a stranger sent wrongly."""

import logging

from celery.signals import setup_logging
from celery.worker.consumer import consumer

# Of these, each with the message's body and headers: a prompt, if it came through the Redis door.
REFUSALS: dict[str, str] = {
    getattr(consumer, name): text
    for name, text in {
        "UNKNOWN_FORMAT": "a message without a task was discarded",
        "UNKNOWN_TASK_ERROR": "a message for a task that is not ours was discarded",
        "INVALID_TASK_ERROR": "a message that is no Celery task was discarded",
        "MESSAGE_DECODE_ERROR": "a message that cannot be decoded was discarded",
    }.items()
}


class WithoutBodies(logging.Filter):
    """Says that a message was discarded, and nothing of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record of a refused message; let every other pass as it is."""
        if isinstance(record.msg, str) and record.msg in REFUSALS:
            record.msg = REFUSALS[record.msg]
            record.args = None
            record.exc_info = None
            record.exc_text = None
        return True


def keep_our_logging() -> None:
    """Keep Celery from configuring logging its own way: with a receiver of this signal, it does not."""
    setup_logging.connect(_configured_already, weak=False)


def _configured_already(**_: object) -> None:
    """`schemas.logs` did it."""


def hide_message_bodies() -> None:
    """Keep the bodies of refused messages out of the logs of this process."""
    logging.getLogger(consumer.__name__).addFilter(WithoutBodies())
