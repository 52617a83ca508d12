"""A consumer that a malformed message cannot stop."""

from collections.abc import Callable

import structlog
from celery.worker.consumer import Consumer
from kombu.message import Message
from vine import promise

log = structlog.get_logger()


class TolerantConsumer(Consumer):
    """Discards a message that Celery cannot read.

    Celery handles some malformed messages and lets others end the worker. Kombu then puts the message back where the
    next worker takes it first, and the Redis door is closed until somebody deletes it by hand.
    """

    def create_task_handler(self, promise: type[promise] = promise) -> Callable[[Message], object]:
        """What is called with every message of a queue."""
        handle: Callable[[Message], object] = super().create_task_handler(promise)
        broken: tuple[type[Exception], ...] = self.connection_errors  # type: ignore[attr-defined]  # not in the stubs

        def handle_or_discard(message: Message) -> object:
            try:
                return handle(message)
            except broken:
                raise
            except Exception as error:  # noqa: BLE001 -- a stranger's message may break Celery in any way
                # Nothing of the message: it may hold a prompt.
                log.error("message_discarded", error=type(error).__name__)
                message.reject_log_error(None, broken)
                return None

        return handle_or_discard
