"""A request at the Redis door, whatever its wire: the types that envelopes, operations and answers share."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from intake.redis.replies import Reply
from schemas.errors import RequestError
from schemas.plain_messages import Refused
from schemas.trace_context import TraceContext

_LONGEST_QUOTE = 100


class Operation(StrEnum):
    """What a request may ask for: the name of the task, or the field `operation` of a plain envelope."""

    ENQUEUE = "generation.enqueue"
    ENQUEUE_BATCH = "batch.enqueue"
    CONTINUE = "generation.continue"
    ESTIMATE = "generation.estimate"
    GET = "generation.get"
    CANCEL = "generation.cancel"


Wire = Literal["celery", "plain"]


@dataclass(frozen=True)
class Request:
    """A request that the door can read."""

    id: str
    """The sender's id of the message: 1 to 200 visible characters. The idempotency key of an order without a key."""
    operation: Operation
    """What the request asks for."""
    arguments: dict[str, object] = field(repr=False)
    """The arguments of the operation, not yet checked."""
    reply: Reply
    """The place of the answer."""
    expires: datetime | None
    """After this time no order is made. With a time zone."""
    ignores_answer: bool
    """Whether the sender wants no answer."""
    wire: Wire
    """The form of the message."""
    raw: bytes = field(repr=False)
    """The message, as it stands in Redis."""
    place: TraceContext | None = None
    """The place of the request in the sender's trace. None: there is none, or no valid one."""

    @property
    def is_read(self) -> bool:
        """Whether the request changes nothing."""
        return self.operation in (Operation.GET, Operation.ESTIMATE)

    @property
    def is_late(self) -> bool:
        """Whether the request has expired by now."""
        return self.expires is not None and datetime.now(UTC) >= self.expires

    @property
    def digest(self) -> str:
        """Tells a second delivery from another request with the same id."""
        try:
            asked = json.dumps([self.operation, self.arguments], sort_keys=True).encode()
        except RecursionError:
            # Lists in lists, almost too deep for the parser.
            asked = self.raw
        return hashlib.sha256(asked).hexdigest()


class RefusedRequest(Exception):
    """A message that is not served, and whose sender can be told."""

    def __init__(self, error: RequestError, request_id: str, reply: Reply) -> None:
        """Refuse a message.

        Args:
            error: the reason, for the answer.
            request_id: the id of the message.
            reply: the place of the answer.
        """
        super().__init__(error.detail)
        self.error = error
        self.request_id = request_id
        self.reply = reply


def operation_of(name: object) -> Operation:
    """The operation of a name.

    Raises:
        Refused: there is no such operation. Names those that exist.
    """
    if isinstance(name, str) and name in set(Operation):
        return Operation(name)
    named = repr(name[:_LONGEST_QUOTE]) if isinstance(name, str) else "no task"
    raise Refused(f"the queue requests takes {', '.join(Operation)}, not {named}")
