"""The readers of the hub: one object for each open stream or waiting request.

A subscription has a position and at most one batch of messages that its reader has not taken. The hub reads further
events for the subscription after the reader took the batch. So a slow reader costs no memory, and misses nothing.
"""

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from uuid import UUID

from notify.events import CommittedEvent, event_message, position_message, progress_message
from notify.reader import BATCH, NO_EVENTS, Look, Position, Standing
from schemas.enums import Stage
from schemas.stages import TERMINAL

# Progress is worth no memory: a reader with so many bytes waiting gets none.
_MOST_BYTES = 64 * 1024

Messages = MutableMapping[int, bytes]
"""The messages of one look, by event: all subscriptions share them."""


class Subscription:
    """The messages of one reader.

    Args:
        key: the id of the generation or the customer.
        on_taken: called when the reader took a batch, and events may have come meanwhile.
    """

    def __init__(self, key: UUID, on_taken: Callable[[UUID], None]) -> None:
        self.key = key
        self.is_over = False
        self._on_taken = on_taken
        self._waiting = b""
        self._is_behind = False
        self._changed = asyncio.Event()

    def may_read(self) -> bool:
        """Whether the hub reads events for this subscription now. If not, the reader's next `take` asks again."""
        self._is_behind = bool(self._waiting)
        return not self._waiting and not self.is_over

    async def take(self) -> bytes:
        """Wait for messages and return them. Empty at the end of the stream."""
        while not self._waiting and not self.is_over:
            self._changed.clear()
            await self._changed.wait()
        taken, self._waiting = self._waiting, b""
        if self._is_behind:
            self._is_behind = False
            self._on_taken(self.key)
        return taken

    def put(self, messages: bytes) -> None:
        """Add messages for the reader."""
        if messages and not self.is_over:
            self._waiting += messages
            self._changed.set()

    def put_if_idle(self, messages: bytes) -> None:
        """Add messages if the reader has taken all earlier ones."""
        if not self._waiting:
            self.put(messages)

    def end(self, messages: bytes = b"") -> None:
        """End the stream after these messages."""
        self.put(messages)
        self.is_over = True
        self._changed.set()

    def _has_room(self) -> bool:
        return len(self._waiting) < _MOST_BYTES

    def _wants_more(self) -> None:
        self._is_behind = True


class GenerationSubscription(Subscription):
    """Follows one generation from the event after `after` to the end."""

    def __init__(self, key: UUID, on_taken: Callable[[UUID], None], *, after: int) -> None:
        super().__init__(key, on_taken)
        self.position = after
        self._progress = 0

    def show(self, standing: Standing | None, messages: Messages) -> None:
        """Tell the changes since the position. None: the generation was deleted."""
        if standing is None:
            return self.end()
        self.put(b"".join(_messages(self._new(standing.events), messages)))
        if standing.stage in TERMINAL:
            return self.end()
        if standing.progress > self._progress:
            self._progress = standing.progress
            self.put(progress_message(self.position, self.key, standing.stage, standing.progress, standing.marks))
        return None

    def _new(self, events: Sequence[CommittedEvent]) -> list[CommittedEvent]:
        new = [event for event in events if event.id > self.position]
        if new:
            self.position, self._progress = new[-1].id, max(self._progress, new[-1].progress)
        return new


class CustomerSubscription(Subscription):
    """Follows all generations of a customer.

    Args:
        after: the id of the last event that the customer has. None: begin now.
    """

    def __init__(self, key: UUID, on_taken: Callable[[UUID], None], *, after: int | None) -> None:
        super().__init__(key, on_taken)
        self.position = after
        # The unfinished generations of this stream: the stage and the progress that the customer has.
        self._known: dict[UUID, tuple[Stage, int]] = {}

    def asks_after(self) -> Position:
        """The position after which the next look reads."""
        return self.key, NO_EVENTS if self.position is None else self.position

    def show(self, look: Look, messages: Messages) -> None:
        """Tell the events of a look that read after `asks_after`."""
        if self.position is None:
            if look.settled is not None:
                self.position = look.settled
                self.put(position_message(look.settled))
            return
        events = look.batches.get(self.asks_after(), ())
        self.put(b"".join(_messages(events, messages)))
        for event in events:
            self._remember(event)
        if len(events) == BATCH:
            self.position = events[-1].id
            self._wants_more()
        elif self.position > look.newest:
            # No event has this id. Without this line, the customer would get nothing until the ids reach it.
            self.position = look.newest
        else:
            self.position = max(self.position, look.settled or 0)

    def show_progress(self, standing: Standing) -> None:
        """Tell the progress of a generation within the stage that the customer knows."""
        known = self._known.get(standing.generation_id, (standing.stage, 0))
        if self.position is None or known[0] is not standing.stage or standing.progress <= known[1]:
            return
        if standing.stage not in TERMINAL and self._has_room():
            self._known[standing.generation_id] = standing.stage, standing.progress
            self.put(
                progress_message(
                    self.position, standing.generation_id, standing.stage, standing.progress, standing.marks
                )
            )

    def _remember(self, event: CommittedEvent) -> None:
        if event.is_end:
            self._known.pop(event.generation_id, None)
        else:
            self._known[event.generation_id] = event.stage, event.progress


def _messages(events: Sequence[CommittedEvent], shared: Messages) -> list[bytes]:
    for event in events:
        if event.id not in shared:
            shared[event.id] = event_message(event)
    return [shared[event.id] for event in events]
