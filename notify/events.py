"""An event as customers see it: in a page, and as a message of a stream of server-sent events."""

import random
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.api import GenerationFailure
from schemas.enums import EventKind, Stage
from schemas.event_api import EventResource
from schemas.stages import PROGRESS, TERMINAL, status_of

HEARTBEAT = b": still here\n\n"
"""A comment. It shows both sides and every proxy that the connection lives."""

_RETRY_MILLISECONDS = 1000
_SPREAD_MILLISECONDS = 3000

OPENING = f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
"""The first message: clients connect again after this time."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The customer's own texts of a request, which go with every event. Empty once the generation is deleted."""

    reference: str | None
    """The customer's id of the thing that the result is for."""
    metadata: dict[str, str]
    """The customer's entries."""


@dataclass(frozen=True, slots=True)
class CommittedEvent:
    """A move of a generation to another stage, from a committed row of `events`."""

    id: int
    """The id. A stream resumes after it."""
    generation_id: UUID
    """The generation."""
    stage: Stage
    """The stage after the move."""
    progress: int
    """Percent done after the move."""
    data: dict[str, object]
    """The details of the row. Customers see the error."""
    created_at: datetime
    """The time of the move."""
    marks: Marks
    """The customer's texts of the request."""

    @property
    def is_end(self) -> bool:
        """Whether the generation has ended."""
        return self.stage in TERMINAL


def progress_of(stage: Stage, recorded: int | None, current: int) -> int:
    """The progress of an event. `recorded` is None in a row of a release that did not write it.

    `current` is the present progress of the generation.
    """
    if recorded is not None:
        return recorded
    return min(PROGRESS[stage][0], current) if stage in PROGRESS else current


def event_resource(event: CommittedEvent) -> EventResource:
    """The API resource of an event."""
    return EventResource(
        id=str(event.id),
        type=EventKind.END if event.is_end else EventKind.STAGE,
        generation_id=event.generation_id,
        status=status_of(event.stage),
        stage=event.stage,
        progress=event.progress,
        error=_error(event),
        created_at=event.created_at,
        reference=event.marks.reference,
        metadata=event.marks.metadata,
    )


def _error(event: CommittedEvent) -> GenerationFailure | None:
    if event.stage is not Stage.FAILED:
        return None
    # A deletion removes the message.
    return GenerationFailure.model_validate({"code": event.data["code"], "message": event.data.get("message", "")})


def event_message(event: CommittedEvent) -> bytes:
    """The message of an event."""
    return _message(event.id, event_resource(event))


def progress_message(position: int, generation_id: UUID, stage: Stage, progress: int, marks: Marks) -> bytes:
    """The message of a change of the progress within a stage.

    No row stands for such a change. Its message repeats the position of the stream: a client that resumes from there
    misses no event.
    """
    resource = EventResource(
        id=None,
        type=EventKind.PROGRESS,
        generation_id=generation_id,
        status=status_of(stage),
        stage=stage,
        progress=progress,
        error=None,
        created_at=None,
        reference=marks.reference,
        metadata=marks.metadata,
    )
    return _message(position, resource)


def _message(position: int, resource: EventResource) -> bytes:
    return f"id: {position}\nevent: {resource.type}\ndata: {resource.model_dump_json()}\n\n".encode()


def position_message(position: int) -> bytes:
    """The position of a stream that begins now. Clients keep it for their next connection, and report no event."""
    return f"id: {position}\n\n".encode()


def farewell() -> bytes:
    """The last message of a gateway that stops. Clients connect again at different times."""
    return f"retry: {_RETRY_MILLISECONDS + random.randrange(_SPREAD_MILLISECONDS)}\n\n".encode()  # noqa: S311
