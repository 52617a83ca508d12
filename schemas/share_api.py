"""The requests and answers about shares."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_MINUTE = 60
_DAY = 24 * 3600


class ShareRequest(BaseModel):
    """The time of a share."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"expires_in": 7 * _DAY}]}
    )

    expires_in: int = Field(
        default=7 * _DAY, description="seconds in which the link works", ge=_MINUTE, le=90 * _DAY, strict=True
    )


class ShareResource(BaseModel):
    """A link by which everybody may see a result."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "object": "share",
                    "id": "6e0b7a55-7a4c-4f0e-9d0f-0d4a3a3c8f11",
                    "generation_id": "0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10",
                    "url": "https://media.example/shares/6e0b7a55-7a4c-4f0e-9d0f-0d4a3a3c8f11?t=q3f…",
                    "views": 12,
                    "created_at": "2026-11-29T12:00:00Z",
                    "expires_at": "2026-12-06T12:00:00Z",
                    "revoked_at": None,
                }
            ]
        },
    )

    object: Literal["share"] = "share"
    """The type of this resource."""
    id: UUID
    """The share's id."""
    generation_id: UUID
    """The shared generation."""
    url: str = Field(description="the page; it needs no API key")
    views: int = Field(description="how often the page was opened, counted within seconds")
    created_at: datetime
    """The time of creation."""
    expires_at: datetime = Field(description="when the link ends")
    revoked_at: datetime | None = Field(description="when you revoked the share; null: you have not")


class ShareList(BaseModel):
    """Shares, the newest first."""

    object: Literal["list"] = "list"
    """The type of this resource."""
    data: list[ShareResource]
    """The shares: the last 100."""
