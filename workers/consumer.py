"""A consumer that a malformed message cannot stop, and that tells Flower of many tasks at a time."""

from collections.abc import Callable
from contextlib import suppress

import structlog
from celery.worker.consumer import Consumer
from kombu.asynchronous import Hub
from kombu.message import Message
from vine import promise

log = structlog.get_logger()

_TELL_EVERY_SECONDS = 0.25
_TELL_AT_MOST = 500


class TolerantConsumer(Consumer):
    """Discards a message that Celery cannot read.

    Celery handles some malformed messages and lets others end the worker. Kombu then puts the message back where the
    next worker takes it first, and the Redis door is closed until somebody deletes it by hand.
    """

    def register_with_event_loop(self, hub: Hub) -> None:
        """Start what runs beside the messages; it ends with the loop."""
        super().register_with_event_loop(hub)
        self.event_dispatcher.buffer_limit = _TELL_AT_MOST  # type: ignore[attr-defined]  # not in the stubs
        hub.call_repeatedly(_TELL_EVERY_SECONDS, self._tell)

    def _tell(self) -> None:
        self._flush_events()  # type: ignore[attr-defined]  # not in the stubs

    def on_send_event_buffered(self) -> None:  # type: ignore[override]  # the stubs know no method
        """Leave task events to the next telling.

        Celery sends them whenever its loop comes round: under load, nearly one message to Redis and to Flower for each.
        """

    def shutdown(self) -> None:
        """End, and tell what was not told yet."""
        with suppress(*self.connection_errors):  # type: ignore[attr-defined]  # not in the stubs
            self._tell()
        super().shutdown()

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
