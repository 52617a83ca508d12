"""Reads a message of the Redis door in one of its two forms."""

from typing import Final

from intake.redis import celery_wire, plain
from intake.redis.request import Request
from schemas.plain_messages import Unreadable, parsed_object

MOST_BYTES: Final = 16 * 1024**2
"""The largest message, as it stands in Redis."""


def read(raw: bytes) -> Request:
    """The request of a message.

    Raises:
        Unreadable: the sender cannot be told. The message goes to the dead.
        RefusedRequest: the message is not served, and the sender can be told.
    """
    if len(raw) > MOST_BYTES:
        raise Unreadable(f"the message has more than {MOST_BYTES} bytes")
    message = parsed_object(raw)
    return plain.read(message, raw) if "operation" in message else celery_wire.read(message, raw)
