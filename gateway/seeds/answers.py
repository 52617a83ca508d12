"""The answers of the seeds' `/video` and `/image`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from schemas.api import GenerationCredits
from schemas.enums import Status


class MediaError(BaseModel):
    """The reason why there is no result."""

    code: str
    """The code, as at every door."""
    message: str
    """The reason, for people."""


class ServedBy(BaseModel):
    """Our names of the account and the model that make the result."""

    provider: str
    """The provider account."""
    model: str
    """The model."""


class MediaItem(BaseModel):
    """A video or an image, and how far it is."""

    id: UUID
    """The id."""
    status: Status
    """The status."""
    progress: int = Field(ge=0, le=100)
    """Percent done."""
    thumbnail_url: str | None = Field(description="a still picture of a video, at a link that works without a key")
    width: int | None = Field(description="pixels of the file")
    height: int | None = Field(description="pixels of the file")
    content_type: str | None = Field(description="the media type of the file")
    error: MediaError | None = Field(description="the reason why there is no result")


class VideoItem(MediaItem):
    """A video, and how far it is."""

    video_url: str | None = Field(description="a link that works without a key, or a data URI; null without a video")


class ImageItem(MediaItem):
    """An image, and how far it is."""

    image_url: str | None = Field(description="a link that works without a key, or a data URI; null without an image")


class MediaData(BaseModel):
    """The facts about an order."""

    provider: str = Field(description="the maker of the model: gemini, openai, klingai, or our account")
    model: str = Field(description="the name in the request; without one, ours")
    served_by: ServedBy
    """Our names of the account and the model."""
    settings: dict[str, Any] = Field(description="the settings as taken")
    credits: GenerationCredits
    """The price of the order, and the credits that have moved."""
    status_url: str = Field(description="where to ask for this answer again")
    created_at: datetime
    """The time of the order."""


class VideoData(MediaData, VideoItem):
    """An order of videos. With several, `id` is the one of the batch, and the first finished video counts."""

    duration: int | None = Field(description="the seconds of a video as taken")
    videos: list[VideoItem] = Field(description="each of several videos; empty for one video")


class ImageData(MediaData, ImageItem):
    """An order of images. With several, `id` is the one of the batch, and the first finished image counts."""

    images: list[ImageItem] = Field(description="each of several images; empty for one image")


class MediaAnswer(BaseModel):
    """The envelope of an answer."""

    success: bool = Field(description="false if there is no result, and there will be none")
    code: int = Field(description="200: ready; 202: not yet; else why there is no result, as an HTTP status")
    message: str
    """The same, for people."""


class VideoAnswer(MediaAnswer):
    """The answer about a video."""

    data: VideoData
    """The video."""


class ImageAnswer(MediaAnswer):
    """The answer about an image."""

    data: ImageData
    """The image."""
