"""Keeps the bodies of refused messages out of the log.

Celery logs a refused message with its body and headers. A message of the Redis door holds a prompt.
"""

import logging

from celery.worker.consumer import consumer

REFUSALS: dict[str, str] = {
    getattr(consumer, name): text
    for name, text in {
        "UNKNOWN_FORMAT": "a message without a task was discarded",
        "UNKNOWN_TASK_ERROR": "a message for a task that is not ours was discarded",
        "INVALID_TASK_ERROR": "a message that is no Celery task was discarded",
        "MESSAGE_DECODE_ERROR": "a message that cannot be decoded was discarded",
    }.items()
}
"""Celery's text for each kind of refused message, and the text that replaces it."""


class WithoutBodies(logging.Filter):
    """Replaces the text of refusals."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record of a refused message. Other records pass unchanged."""
        if isinstance(record.msg, str) and record.msg in REFUSALS:
            record.msg = REFUSALS[record.msg]
            record.args = None
            record.exc_info = None
            record.exc_text = None
        return True


def hide_message_bodies() -> None:
    """Install the filter in this process."""
    logging.getLogger(consumer.__name__).addFilter(WithoutBodies())
