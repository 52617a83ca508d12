"""The catalogue of events that leave the system: by webhook and by the Redis stream. The names are public."""

from enum import StrEnum
from typing import Final

from schemas.enums import Stage

CATALOGUE_VERSION: Final = 1
"""The version of the catalogue and of the payloads. A change that breaks a receiver raises the version."""


class EventType(StrEnum):
    """A kind of event."""

    ACCEPTED = "generation.accepted"
    """An order was accepted."""
    STARTED = "generation.started"
    """A provider accepted the work."""
    MOVED = "generation.moved"
    """The generation came to another stage."""
    COMPLETED = "generation.completed"
    """The result is stored and paid for."""
    FAILED = "generation.failed"
    """The generation failed. Its credits are free again."""
    CANCELLED = "generation.cancelled"
    """The customer cancelled the generation."""
    VARIANTS_ENDED = "generation.variants_ended"
    """Every variant of a result is ready or has failed."""
    ENDPOINT_PAUSED = "endpoint.paused"
    """An endpoint failed for too long. Nothing is sent there until the customer resumes it."""
    TEST = "endpoint.test"
    """The customer asked for a message to try an endpoint."""


ENDS: Final = frozenset({EventType.COMPLETED, EventType.FAILED, EventType.CANCELLED})
"""The ends of a generation. An endpoint without a choice hears these."""

_OF_STAGE: Final = {
    Stage.GENERATING: EventType.STARTED,
    Stage.COMPLETED: EventType.COMPLETED,
    Stage.FAILED: EventType.FAILED,
    Stage.CANCELLED: EventType.CANCELLED,
}


def type_of(origin: Stage | None, stage: Stage) -> EventType:
    """The type of a move.

    Args:
        origin: the stage before the move. None: the generation is new.
    """
    return EventType.ACCEPTED if origin is None else _OF_STAGE.get(stage, EventType.MOVED)
