"""The document of an event that leaves the system: the body of a webhook, and the entry of a stream in Redis."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from schemas.api import GenerationCredits, GenerationFailure, GenerationLinks, GenerationOutcome
from schemas.enums import Kind, Stage, Status
from schemas.event_types import CATALOGUE_VERSION, EventType


class ToldGeneration(BaseModel):
    """A generation as an event left it. Holds no prompt and no inputs."""

    generation_id: UUID
    """The generation."""
    status: Status
    """The public status after the event."""
    stage: Stage
    """The stage after the event."""
    progress: int = Field(description="percent, never goes back", ge=0, le=100)
    kind: Kind
    """Image or video."""
    model: str
    """The model."""
    reference: str | None = Field(description="your id of the thing that the result is for, from the request")
    metadata: dict[str, str]
    """The request's metadata. Empty once the generation is deleted."""
    batch_id: UUID | None = Field(description="the batch that the generation belongs to")
    error: GenerationFailure | None = Field(description="set when the generation failed")
    outcome: GenerationOutcome | None = Field(description="set when the generation ended without a result")
    credits: GenerationCredits
    """The credits after the event."""
    links: GenerationLinks
    """Related resources."""
    customer_id: UUID
    """The customer."""
    customer_reference: str | None = Field(description="a service's own number or text for the customer")
    is_test: bool = Field(description="whether a test key ordered the generation")


class ToldEvent(BaseModel):
    """An event of a generation."""

    id: str = Field(description="unique; a repeated event has the same id")
    type: EventType
    """The kind of event."""
    version: int = Field(default=CATALOGUE_VERSION, description="of the catalogue of events and of this document")
    created_at: datetime
    """The time of the event."""
    sequence: int = Field(description="a later event of the same generation has a higher number")
    data: ToldGeneration
    """The generation."""
