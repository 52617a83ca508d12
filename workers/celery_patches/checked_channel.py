"""Checks each message before Celery reads it: `workers.envelopes` says how.

kombu decodes a message of any size and of any form, decompresses bodies, and raises in the middle of the read where a
part is missing. The worker then ends or reconnects, with the message lost or left unacknowledged.
"""

import json
from queue import Empty
from typing import Any

import structlog
from kombu.transport.redis import Channel, Transport

from workers.envelopes import TASKS_OF, Unreadable, checked

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
            self._hand_on(queue, raw)
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()  # type: ignore[attr-defined]
        return True

    def _hand_on(self, queue: str, raw: bytes) -> None:
        if len(raw) > self.max_message_bytes:
            log.error("message_discarded", queue=queue, reason=f"more than {self.max_message_bytes} bytes")
            return
        try:
            # Other lists bring the answers of remote control, not tasks.
            message = checked(raw, queue) if queue in TASKS_OF else json.loads(raw)
        except (Unreadable, ValueError, RecursionError) as error:
            # The text of a JSON error quotes nothing of the message.
            log.error("message_discarded", queue=queue, reason=str(error))
        else:
            self.connection._deliver(message, queue)  # noqa: SLF001 -- what kombu's function calls


def check_messages() -> None:
    """Make every channel of this process check its messages."""
    Transport.Channel = CheckedChannel
