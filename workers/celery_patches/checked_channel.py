"""Checks each message before Celery reads it: `workers.envelopes` and `workers.broadcasts` say how.

kombu decodes a message of any size and of any form, decompresses bodies, and raises in the middle of the read where a
part is missing. The worker then ends or reconnects, with the message lost or left unacknowledged.
"""

from collections.abc import Callable
from functools import partial
from queue import Empty
from typing import Any

import structlog
from kombu.transport.redis import Channel, Transport

from schemas.celery_messages import names_of
from schemas.plain_messages import Unreadable
from workers.broadcasts import COMMANDS, checked_command, checked_report
from workers.envelopes import TASKS_OF, checked

log = structlog.get_logger()


class CheckedChannel(Channel):
    """A channel that hands only checked messages on."""

    max_message_bytes = 16 * 1024**2
    """The largest message, as it stands in Redis. Larger ones are discarded unread."""

    def _brpop_read(self, **options: Any) -> bool:
        """Read one message: kombu's function, with the check in place of its decoding."""
        try:
            try:
                found = self.client.parse_response(self.client.connection, "BRPOP", **options)
            except self.connection_errors:  # type: ignore[attr-defined]
                self.client.connection.disconnect()
                raise
            if not found:
                raise Empty
            place, raw = found
            queue = place.decode(errors="replace").rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)  # type: ignore[attr-defined]  # the stubs omit kombu's private parts
            self._hand_on(queue, raw, partial(checked, queue=queue) if queue in TASKS_OF else checked_report)
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()  # type: ignore[attr-defined]
        return True

    def _receive_one(self, subscription: Any) -> bool:
        """Read one broadcast: kombu's function, with the check in place of its decoding."""
        try:
            response = subscription.parse_response()
        except self.connection_errors:  # type: ignore[attr-defined]
            self._in_listen = None
            raise
        if not isinstance(response, list | tuple):
            return False
        found = self._handle_message(subscription, response)  # type: ignore[attr-defined]
        if not found["type"].endswith(b"message"):
            return False
        # A topic is "/DATABASE.EXCHANGE", and may end with "/ROUTING_KEY".
        exchange = found["channel"].decode(errors="replace").partition(".")[2].split("/", 1)[0]
        queue = self._fanout_to_queue.get(exchange)  # type: ignore[attr-defined]
        if queue is None:
            return False
        self._hand_on(queue, found["data"], checked_command if exchange == COMMANDS else checked_report)
        return True

    def _hand_on(self, queue: str, raw: bytes, check: Callable[[bytes], dict[str, object]]) -> None:
        if len(raw) > self.max_message_bytes:
            log.error("message_discarded", queue=queue, reason=f"more than {self.max_message_bytes} bytes")
            return
        try:
            message = check(raw)
        except Unreadable as error:
            log.error("message_discarded", queue=queue, reason=str(error), **names_of(raw))
        else:
            self.connection._deliver(message, queue)  # noqa: SLF001 -- what kombu's function calls


def check_messages() -> None:
    """Make every channel of this process check its messages."""
    Transport.Channel = CheckedChannel
