"""The resources of variants in the API."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from schemas.variants import FilePart, VariantError, VariantKind, VariantOrigin, VariantState


class VariantFileResource(BaseModel):
    """A stored file of a variant."""

    model_config = ConfigDict(from_attributes=True)

    part: FilePart
    """Which file: the media, or the text that leads into the media."""
    content_type: str
    """The media type."""
    size_bytes: int
    """The size of the file."""
    sha256: str = Field(description="lower-case hex; of a playlist or of times: before links are put in")
    width: int | None = Field(description="pixels; null for a text")
    height: int | None = Field(description="pixels; null for a text")
    duration_seconds: float | None = Field(description="null for a picture or a text")
    frame_rate: float | None = Field(description="frames per second; null for a picture or a text")
    codec: str | None = Field(description="null for a text")


class VariantFailure(BaseModel):
    """Why a variant was not made."""

    code: VariantError = Field(description="stable, for programs")
    message: str = Field(description="for people")


class VariantResource(BaseModel):
    """A variant of a result. Its state never changes the result."""

    name: str
    """The name."""
    kind: VariantKind
    """The kind."""
    state: VariantState = Field(description="`pending` until the result is there and the variant is made")
    origin: VariantOrigin | None = Field(
        description="`original`: the result itself serves; `copied`: the same pictures and sound in another file; "
        "`encoded`: made anew; null until it is ready"
    )
    keeps_provenance: bool | None = Field(
        description="whether a signed statement of origin (C2PA) of the result holds for the variant; null until ready"
    )
    error: VariantFailure | None = Field(description="set when the state is failed")
    files: list[VariantFileResource] = Field(description="empty until it is ready, and where `origin` is `original`")
    content: str | None = Field(description="where to fetch it; null until it is ready, and once the result expired")
    finished_at: datetime | None = Field(description="when it became ready or failed")
