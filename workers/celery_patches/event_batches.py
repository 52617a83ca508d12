"""Sends task events in batches.

Celery sends buffered events at each turn of the event loop: under load, nearly one message to Redis and to Flower for
each event.
"""

from contextlib import suppress

from celery.worker.consumer import Consumer
from kombu.asynchronous import Hub

_SEND_EVERY_SECONDS = 0.25
_BATCH_SIZE = 500


class BatchingConsumer(Consumer):
    """A consumer that sends task events four times a second."""

    def register_with_event_loop(self, hub: Hub) -> None:
        """Start the timer. The timer ends with the event loop."""
        super().register_with_event_loop(hub)
        self.event_dispatcher.buffer_limit = _BATCH_SIZE  # type: ignore[attr-defined]  # not in the stubs
        hub.call_repeatedly(_SEND_EVERY_SECONDS, self._send_events)

    def _send_events(self) -> None:
        self._flush_events()  # type: ignore[attr-defined]  # not in the stubs

    def on_send_event_buffered(self) -> None:  # type: ignore[override]  # the stubs know no method
        """Leave the events in the buffer until the timer fires."""

    def shutdown(self) -> None:
        """Send the last events and end."""
        with suppress(*self.connection_errors):  # type: ignore[attr-defined]  # not in the stubs
            self._send_events()
        super().shutdown()
