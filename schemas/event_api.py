"""The resources of events in the API."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from schemas.api import GenerationFailure
from schemas.enums import EventKind, Stage, Status

EVENT_EXAMPLE: dict[str, JsonValue] = {
    "object": "event",
    "id": "4711",
    "type": "end",
    "generation_id": "0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10",
    "status": "completed",
    "stage": "completed",
    "progress": 100,
    "error": None,
    "created_at": "2026-11-20T12:00:09Z",
    "reference": "shot-7",
    "metadata": {"thread": "42"},
}


class EventResource(BaseModel):
    """A change of a generation."""

    model_config = ConfigDict(json_schema_extra={"examples": [EVENT_EXAMPLE]})

    object: Literal["event"] = "event"
    """The type of this resource."""
    id: str | None = Field(
        description="unique; a later event of the same generation has a higher number. Null for `progress`"
    )
    type: EventKind
    """The kind of event."""
    generation_id: UUID
    """The generation."""
    status: Status
    """The public status after the event."""
    stage: Stage
    """The stage after the event."""
    progress: int = Field(description="percent, never goes back", ge=0, le=100)
    error: GenerationFailure | None = Field(description="set when the generation failed")
    created_at: datetime | None
    """The time of the event. Null for `progress`."""
    reference: str | None = Field(description="your id of the thing that the result is for, from the request")
    metadata: dict[str, str]
    """The request's metadata."""


class EventPage(BaseModel):
    """Some of a customer's events, the oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"object": "list", "data": [EVENT_EXAMPLE], "has_more": False, "next_after": "4711"}]
        }
    )

    object: Literal["list"] = "list"
    """The type of this resource."""
    data: list[EventResource]
    """The events."""
    has_more: bool = Field(description="whether further events follow at once")
    next_after: str = Field(description="send it as `after` for the events that follow; the same if there were none")
