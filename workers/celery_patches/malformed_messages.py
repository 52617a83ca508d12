"""Discards messages that Celery cannot read.

Celery handles some malformed messages; others end the worker. Kombu then puts the message back to the head of the
queue, so the next worker ends too, and the Redis door stays closed until an operator deletes the message.
"""

from collections.abc import Callable

import structlog
from celery.worker.consumer import Consumer
from kombu.message import Message
from vine import promise

log = structlog.get_logger()


class TolerantConsumer(Consumer):
    """A consumer that survives a malformed message."""

    def create_task_handler(self, promise: type[promise] = promise) -> Callable[[Message], object]:
        """Return the function that Celery calls with each message."""
        handle: Callable[[Message], object] = super().create_task_handler(promise)
        broken: tuple[type[Exception], ...] = self.connection_errors  # type: ignore[attr-defined]  # not in the stubs

        def handle_or_discard(message: Message) -> object:
            try:
                return handle(message)
            except broken:
                raise
            except Exception as error:  # noqa: BLE001 -- a malformed message may break Celery in any way
                # The log names no part of the message: the message may hold a prompt.
                log.error("message_discarded", error=type(error).__name__)
                message.reject_log_error(None, broken)
                return None

        return handle_or_discard
